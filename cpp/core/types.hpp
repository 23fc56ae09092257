// Vocabulary shared by every room: sizes, input dtypes, views of caller memory, backend matrices.
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fastcca {

using Index = std::ptrdiff_t;

// 0, 1, ..., n - 1
inline std::vector<Index> index_range(Index n) {
  std::vector<Index> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), Index{0});
  return out;
}

enum class DType : std::uint8_t {
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
};

// How finely the values of a block were rounded before they reached us. The rank rule needs the
// coarsest precision that ever entered a block; integers count as float64, being exact.
enum class Precision : std::uint8_t { kFloat64, kFloat32, kFloat16, kBFloat16 };

constexpr std::array<Precision, 4> kPrecisions{Precision::kFloat64, Precision::kFloat32,
                                               Precision::kFloat16, Precision::kBFloat16};

Index size_of(DType dtype);  // bytes of one value
Precision precision_of(DType dtype);
Precision coarser(Precision a, Precision b);
// Distance from 1 to the next number of that precision.
double epsilon(Precision precision);
const char* name_of(Precision precision);

enum class Memory : std::uint8_t { kHost, kDevice };

// A caller's array, (rows = samples, cols = features), read in place. Strides are in bytes and may
// have any sign or be zero; byte_swapped says that the values are not in the machine's byte order.
// The samples of a folded map lie in several levels of strides (images, lines, pixels): `rows` of
// them in all, in runs of `run` samples that are row_stride apart; the first sample of run r is
// at (r / runs_per_outer) * outer_stride + (r % runs_per_outer) * run_stride.
struct ArrayView {
  const unsigned char* data = nullptr;
  DType dtype = DType::kFloat64;
  bool byte_swapped = false;
  Memory memory = Memory::kHost;  // kDevice: of the device that the backend works on
  Index rows = 0;
  Index cols = 0;
  Index row_stride = 0;
  Index col_stride = 0;
  Index run = 0;  // 0: all rows are one run
  Index run_stride = 0;
  Index runs_per_outer = 1;
  Index outer_stride = 0;
  // How the values were rounded, where that is coarser than their dtype: they were computed.
  std::optional<Precision> rounded_to;
};

// How finely the values of a view were rounded.
Precision precision_of(const ArrayView& view);

using Complex = std::complex<double>;

// Column-major matrix in memory that a backend allocated, and whose deleter knows where. Algorithms
// only pass it on: the pointer may be one that the host cannot read.
template <class Scalar>
class MatrixOf {
 public:
  MatrixOf() = default;
  MatrixOf(std::shared_ptr<Scalar[]> storage, Index rows, Index cols)
      : storage_(std::move(storage)), rows_(rows), cols_(cols) {}
  MatrixOf(MatrixOf&&) noexcept = default;
  MatrixOf& operator=(MatrixOf&&) noexcept = default;
  MatrixOf(const MatrixOf&) = delete;  // two matrices never share their memory
  MatrixOf& operator=(const MatrixOf&) = delete;
  ~MatrixOf() = default;

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Scalar* data() { return storage_.get(); }
  const Scalar* data() const { return storage_.get(); }

 private:
  std::shared_ptr<Scalar[]> storage_;
  Index rows_ = 0;
  Index cols_ = 0;
};

using Matrix = MatrixOf<double>;
using ComplexMatrix = MatrixOf<Complex>;

}  // namespace fastcca
