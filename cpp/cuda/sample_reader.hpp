// Samples of all blocks side by side, as float64 in device memory, or float32 where they are that
// or less.
#pragma once

#include <span>
#include <vector>

#include "cuda/context.hpp"
#include "cuda/gather.hpp"

namespace fastcca::cuda {

// Where the value of sample k and feature j of all blocks goes: to[k * row_stride + j *
// col_stride].
template <class T>
struct TargetOf {
  T* to;
  Index row_stride;
  Index col_stride;
};
using Target = TargetOf<double>;

// Declared after the memory that both streams of a context work on: at its end they have come to
// theirs, whatever ended the operation.
class Drain {
 public:
  explicit Drain(const Context& context) : context_(context) {}
  ~Drain();
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

 private:
  const Context& context_;
};

// Reads pieces of at most so many samples on the context's reading stream: arrays of the host
// through pinned memory and a copy on the device, arrays of the device where they lie. While the
// device is busy with one piece the host can prepare the next one.
class SampleReader {
 public:
  SampleReader(Context& context, std::span<const ArrayView> blocks, Index most_rows, int threads);
  ~SampleReader() = default;
  SampleReader(const SampleReader&) = delete;
  SampleReader& operator=(const SampleReader&) = delete;

  Index width() const { return width_; }  // features of all blocks
  const std::vector<Index>& offsets() const { return offsets_; }

  // The reading stream goes on when all work enqueued on the context's stream is done, or the other
  // way round. Memory that was allocated is there from then on.
  void follow_computation();
  void precede_computation();

  // Enqueues samples [row, row + depth), less shift (width,) where there is one. A target of float
  // takes float16, bfloat16 and float32 alone.
  void read(Index row, Index depth, const double* shift, const Target& target);
  void read(Index row, Index depth, const double* shift, const TargetOf<float>& target);
  // The same for runs of `length` samples that begin at `starts`; follows the computation.
  void read_runs(std::span<const Index> starts, Index length, const Target& target);

 private:
  template <class T>
  void read_to(const Rows& rows, const Index* starts, const double* shift,
               const TargetOf<T>& target);

  Context& context_;
  std::span<const ArrayView> blocks_;
  int threads_;
  Index width_ = 0;
  std::vector<Index> offsets_;
  Index staged_bytes_ = 0;  // of one piece of all blocks of the host
  DeviceBuffer<unsigned char> raw_;
  DeviceBuffer<Index> starts_;
  std::size_t turn_ = 0;
  Event copied_[2];  // out of the staging memory of that turn
  Event before_;
  Event after_;
  Drain drain_;
};

// Samples of a piece: so many that the products of it keep the device busy, and few enough that
// their memory is small beside that of the products.
Index piece_of(Index width);

}  // namespace fastcca::cuda
