#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <type_traits>

#include "core/number_formats.hpp"
#include "cuda/gather.hpp"
#include "cuda/launch.hpp"
#include "cuda/sample_reader.hpp"

namespace fastcca::cuda {

namespace {

// Rows, with the starts of runs in device memory.
struct DeviceRows {
  Index first;
  Index count;
  const Index* starts;
  Index length;
};

template <class T, bool kWhole, class To>
struct Convert {
  const unsigned char* data;
  Index row_stride;
  Index col_stride;
  Index run;
  Index run_stride;
  Index runs_per_outer;
  Index outer_stride;
  DeviceRows from;
  Index cols;
  const double* shift;
  To* to;
  Index to_row_stride;
  Index to_col_stride;
  bool swapped;

  __host__ __device__ void operator()(Index at) const {
    // Neighbours write next to each other.
    const bool along_samples = to_row_stride == 1;
    const Index k = along_samples ? at % from.count : at / cols;
    const Index j = along_samples ? at / from.count : at % cols;
    const Index row =
        from.starts != nullptr ? from.starts[k / from.length] + k % from.length : from.first + k;
    const Index r = row / run;
    const unsigned char* p = data + row % run * row_stride + r / runs_per_outer * outer_stride +
                             r % runs_per_outer * run_stride + j * col_stride;
    double value = 0.0;
    if constexpr (kWhole) {
      value = widen(*reinterpret_cast<const T*>(p));
    } else {
      value = swapped ? read<T, true>(p) : read<T, false>(p);
    }
    to[k * to_row_stride + j * to_col_stride] =
        static_cast<To>(shift != nullptr ? value - shift[j] : value);
  }
};

bool is_aligned(const ArrayView& view, Index size) {
  return reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(size) == 0 &&
         view.row_stride % size == 0 && view.col_stride % size == 0 &&
         view.run_stride % size == 0 && view.outer_stride % size == 0;
}

template <class T, bool kWhole, class To>
void convert_by(cudaStream_t stream, const ArrayView& view, const DeviceRows& rows,
                const double* shift, const TargetOf<To>& target) {
  launch(stream, rows.count * view.cols,
         Convert<T, kWhole, To>{
             view.data, view.row_stride, view.col_stride, view.run > 0 ? view.run : view.rows,
             view.run_stride, view.runs_per_outer, view.outer_stride, rows, view.cols, shift,
             target.to, target.row_stride, target.col_stride, view.byte_swapped});
}

template <class T, class To>
void convert_as(cudaStream_t stream, const ArrayView& view, const DeviceRows& rows,
                const double* shift, const TargetOf<To>& target) {
  // What is not aligned or swapped is read byte by byte.
  const bool in_order = !view.byte_swapped || sizeof(T) == 1;
  if (in_order && is_aligned(view, Index{sizeof(T)})) {
    convert_by<T, true>(stream, view, rows, shift, target);
  } else {
    convert_by<T, false>(stream, view, rows, shift, target);
  }
}

void convert_integers(cudaStream_t stream, const ArrayView& view, const DeviceRows& rows,
                      const double* shift, const Target& target) {
  switch (view.dtype) {
    case DType::kInt8:
      return convert_as<std::int8_t>(stream, view, rows, shift, target);
    case DType::kInt16:
      return convert_as<std::int16_t>(stream, view, rows, shift, target);
    case DType::kInt32:
      return convert_as<std::int32_t>(stream, view, rows, shift, target);
    case DType::kInt64:
      return convert_as<std::int64_t>(stream, view, rows, shift, target);
    case DType::kUInt8:
      return convert_as<std::uint8_t>(stream, view, rows, shift, target);
    case DType::kUInt16:
      return convert_as<std::uint16_t>(stream, view, rows, shift, target);
    case DType::kUInt32:
      return convert_as<std::uint32_t>(stream, view, rows, shift, target);
    default:
      return convert_as<std::uint64_t>(stream, view, rows, shift, target);
  }
}

template <class To>
void convert(cudaStream_t stream, const ArrayView& view, const DeviceRows& rows,
             const double* shift, const TargetOf<To>& target) {
  switch (view.dtype) {
    case DType::kFloat16:
      return convert_as<Half>(stream, view, rows, shift, target);
    case DType::kBFloat16:
      return convert_as<BFloat>(stream, view, rows, shift, target);
    case DType::kFloat32:
      return convert_as<float>(stream, view, rows, shift, target);
    default:
      break;
  }
  if constexpr (std::is_same_v<To, float>) {
    throw std::logic_error("float32 does not hold the values of this dtype");
  } else if (view.dtype == DType::kFloat64) {
    convert_as<double>(stream, view, rows, shift, target);
  } else {
    convert_integers(stream, view, rows, shift, target);
  }
}

// Every block's samples begin where any type may.
constexpr Index kAlignment = 16;

Index aligned(Index bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

Index piece_of(Index width) {
  constexpr Index kMost = 4096;
  constexpr Index kLeast = 512;
  constexpr Index kNumbers = Index{1} << 22;
  return std::clamp(kNumbers / std::max<Index>(width, 1) / kLeast * kLeast, kLeast, kMost);
}

SampleReader::SampleReader(Context& context, std::span<const ArrayView> blocks, Index most_rows,
                           int threads)
    : context_(context), blocks_(blocks), threads_(threads), drain_(context) {
  for (const ArrayView& block : blocks) {
    offsets_.push_back(width_);
    width_ += block.cols;
    if (block.memory == Memory::kHost) {
      const Index rows = std::min(most_rows, block.rows);
      staged_bytes_ += aligned(rows * block.cols * size_of(block.dtype));
    }
  }
  if (staged_bytes_ > 0) {
    // Of an operation that a signal's handler has interrupted, and whose copies may still be
    // queued.
    check(cudaStreamSynchronize(context.reading_stream()), "cudaStreamSynchronize");
    raw_ = context.buffer<unsigned char>(staged_bytes_);
    context.staging(0).reserve(static_cast<std::size_t>(staged_bytes_));
    context.staging(1).reserve(static_cast<std::size_t>(staged_bytes_));
  }
}

Drain::~Drain() {
  cudaStreamSynchronize(context_.reading_stream());
  cudaStreamSynchronize(context_.stream());
}

void SampleReader::follow_computation() {
  before_.record(context_.stream());
  before_.order_before(context_.reading_stream());
}

void SampleReader::precede_computation() {
  after_.record(context_.reading_stream());
  after_.order_before(context_.stream());
}

template <class T>
void SampleReader::read_to(const Rows& rows, const Index* starts, const double* shift,
                           const TargetOf<T>& target) {
  cudaStream_t stream = context_.reading_stream();
  std::vector<ArrayView> there(blocks_.begin(), blocks_.end());
  if (staged_bytes_ > 0) {
    unsigned char* staging = context_.staging(turn_).get();
    copied_[turn_].synchronize();
    Index at = 0;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      if (blocks_[b].memory == Memory::kHost) {
        there[b] = gather(blocks_[b], rows, threads_, staging + at);
        there[b].data = raw_.get() + at;
        at += aligned(rows.count * blocks_[b].cols * size_of(blocks_[b].dtype));
      }
    }
    check(cudaMemcpyAsync(raw_.get(), staging, static_cast<std::size_t>(at), cudaMemcpyHostToDevice,
                          stream),
          "cudaMemcpyAsync");
    copied_[turn_].record(stream);
    turn_ = 1 - turn_;
  }
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    const bool staged = blocks_[b].memory == Memory::kHost;
    TargetOf<T> part = target;
    part.to += offsets_[b] * target.col_stride;
    convert(stream, there[b],
            staged ? DeviceRows{0, rows.count, nullptr, 0}
                   : DeviceRows{rows.first, rows.count, starts, rows.length},
            shift != nullptr ? shift + offsets_[b] : nullptr, part);
  }
}

void SampleReader::read(Index row, Index depth, const double* shift, const Target& target) {
  read_to({row, depth}, nullptr, shift, target);
}

void SampleReader::read(Index row, Index depth, const double* shift,
                        const TargetOf<float>& target) {
  read_to({row, depth}, nullptr, shift, target);
}

void SampleReader::read_runs(std::span<const Index> starts, Index length, const Target& target) {
  starts_ = context_.upload(starts);
  follow_computation();
  read_to({0, static_cast<Index>(starts.size()) * length, starts, length}, starts_.get(), nullptr,
          target);
}

}  // namespace fastcca::cuda
