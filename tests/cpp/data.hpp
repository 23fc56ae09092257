// What the tests share: the backend under test, matrices for plain loops, matrix families, and
// samples in every dtype and memory layout.
#pragma once

#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/moments.hpp"
#include "core/qr_factor.hpp"

namespace fastcca::testing {

// The backend under test, by the one of backend_under_test_*.cpp that the program is linked with.
const Backend& backend();
// What it runs on, for people; throws std::invalid_argument where that is not to be had here.
std::string description_of_backend();
// Samples that it reads between two checks for interrupts, where features are few.
Index samples_per_check();
// Products that it adds up in single precision before they join a sum in double.
Index single_run();

// Its real operations alone, as the templates of core/ take them.
inline const LinearAlgebra<double>& algebra() { return backend(); }

constexpr double kEps = 0x1p-52;

constexpr std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// ---- matrices ----------------------------------------------------------------------------------

// A column-major matrix that plain loops can read.
struct Dense {
  Index rows = 0;
  Index cols = 0;
  std::vector<double> values;

  Dense() = default;
  Dense(Index r, Index c) : rows(r), cols(c), values(static_cast<std::size_t>(r * c)) {}
  double& operator()(Index i, Index j) { return values[static_cast<std::size_t>(i + j * rows)]; }
  double operator()(Index i, Index j) const {
    return values[static_cast<std::size_t>(i + j * rows)];
  }
};

Matrix to_backend(const Dense& a);
Dense to_host(const Matrix& a);

Dense identity(Index n);
Dense transposed(const Dense& a);
Dense rows_of(const Dense& a, Index first, Index last);  // [first, last)
Dense scaled(Dense a, double factor);
Dense product(const Dense& a, const Dense& b);  // summed in long double
Dense difference(const Dense& a, const Dense& b);
Dense diagonal_matrix(const std::vector<double>& values);
double norm(const Dense& a);  // largest absolute entry; NaN where there is one

// Entries are standard normal.
Dense random_matrix(Index rows, Index cols, unsigned seed);
// Columns are orthonormal, rows >= cols.
Dense random_orthonormal(Index rows, Index cols, unsigned seed);

struct Family {
  std::string name;
  std::vector<double> spectrum;
};
// Spectra that are hard in different ways, all >= 0, n of them.
std::vector<Family> families(Index n);

// error / (size n eps), LAPACK's measure: what a backward stable algorithm keeps below some tens.
double residual_ratio(const Dense& error, double size, Index n);
constexpr double kRatioLimit = 50.0;

// The distance of V'V from the identity in the same measure.
double orthogonality_ratio(const Dense& v);

// ---- samples -----------------------------------------------------------------------------------

constexpr DType kDTypes[] = {DType::kFloat16, DType::kBFloat16, DType::kFloat32, DType::kFloat64,
                             DType::kInt8,    DType::kInt16,    DType::kInt32,   DType::kInt64,
                             DType::kUInt8,   DType::kUInt16,   DType::kUInt32,  DType::kUInt64};

enum class Layout : std::uint8_t {
  kRowMajor,
  kColumnMajor,
  kSliced,           // every second row and third column of a larger array
  kReversed,         // both strides negative
  kReversedColumns,  // column-major, both strides negative
  kUnaligned,        // an odd address and an odd row stride
  kRepeatedSample,   // row stride 0
  kRepeatedFeature,  // column stride 0
};
constexpr Layout kLayouts[] = {Layout::kRowMajor,        Layout::kColumnMajor,
                               Layout::kSliced,          Layout::kReversed,
                               Layout::kReversedColumns, Layout::kUnaligned,
                               Layout::kRepeatedSample,  Layout::kRepeatedFeature};

std::ostream& operator<<(std::ostream& out, Layout layout);

// An array as a caller would hand it over. Bytes between its elements are those of NaN.
struct Samples {
  Samples() = default;
  Samples(Samples&&) = default;
  Samples& operator=(Samples&&) = default;
  Samples(const Samples&) = delete;  // the view points into the bytes
  Samples& operator=(const Samples&) = delete;
  ~Samples() = default;

  std::vector<unsigned char> bytes;
  ArrayView view;
  Dense values;  // what every element is worth
};

// Random values of the dtype; the same seed and shape give the same values in every layout, but
// for the repeated ones, which repeat the first sample or feature.
Samples random_samples(Index rows, Index cols, DType dtype, unsigned seed,
                       Layout layout = Layout::kRowMajor, bool byte_swapped = false);
// The given values, which must be representable; float32 or float64.
Samples samples_of(const Dense& values, DType dtype = DType::kFloat64,
                   Layout layout = Layout::kRowMajor);

// Bits of one half precision number, and the number, taken apart as IEEE 754 says.
double value_of_half(std::uint16_t bits);
// The same of a bfloat16: 8 bits of exponent and 7 of mantissa.
double value_of_bfloat(std::uint16_t bits);

// ---- reference moments -------------------------------------------------------------------------

struct Reference {
  std::vector<double> mean;
  std::vector<double> scale;  // sqrt of the centred sum of squares, and what rounding adds to it
};
// Two passes over the samples in long double.
Reference reference_of(const Dense& samples);
long double centred_product(const Dense& x, Index i, const Dense& y, Index j);

// Error of a centred sum of products in units of eps times the norms of both centred columns.
double product_error(double found, const Dense& x, Index i, const Dense& y, Index j,
                     const Reference& rx, const Reference& ry);

// ---- states ------------------------------------------------------------------------------------

// All that a state holds, to compare bit for bit.
struct Snapshot {
  Index n = 0;
  Products products = Products::kDouble;
  std::vector<std::string> names;
  std::vector<std::string> precisions;
  std::vector<std::vector<double>> means;
  std::vector<std::vector<double>> scatter;
};
Snapshot snapshot(const Moments& moments);
Snapshot snapshot(const QrFactor& factor);
Snapshot snapshot(const BatchMoments& batch);
bool same_bits(const Snapshot& a, const Snapshot& b);
bool same_bits(const std::vector<double>& a, const std::vector<double>& b);

Moments moments_of(const std::vector<Dense>& blocks, DType dtype = DType::kFloat64);

// ---- errors ------------------------------------------------------------------------------------

// What f() says when it refuses an argument, or throws another Error.
template <class Error = std::invalid_argument, class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace fastcca::testing
