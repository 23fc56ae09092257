#include "cpu/gram_singular_values.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/host_vectors.hpp"
#include "cpu/tridiagonal.hpp"

namespace fastcca {

namespace {

constexpr double kSmall = 0.05;  // of the largest singular value
// More vectors than this share cost what the bidiagonal form would have.
constexpr double kMostSmall = 0.3;

std::size_t count_of(Index rows, Index cols) { return static_cast<std::size_t>(rows * cols); }

// Squares of values beyond these over- or underflow.
constexpr double kLeast = 0x1p-400;
constexpr double kMost = 0x1p400;

bool squares_in_range(std::span<const double> a) {
  const double largest = array(a).abs().maxCoeff<Eigen::PropagateNumbers>();
  return largest > kLeast && largest < kMost;
}

}  // namespace

std::optional<std::vector<double>> gram_singular_values(const Lapack<double>& lapack,
                                                        const double* a, Index rows, Index cols) {
  const bool wide = rows < cols;
  const Index size = std::min(rows, cols);
  if (!squares_in_range({a, count_of(rows, cols)})) {
    return std::nullopt;
  }
  std::vector<double> gram(count_of(size, size));
  lapack.gram(wide, rows, cols, a, gram.data());
  const Tridiagonalized t(lapack.table().real, size, gram.data());
  auto values = t.eigenvalues();
  if (!values || !std::isfinite(values->back())) {
    return std::nullopt;
  }
  const auto first_large =
      std::upper_bound(values->begin(), values->end(), kSmall * kSmall * values->back());
  const Index small = first_large - values->begin();
  if (static_cast<double>(small) > kMostSmall * static_cast<double>(size)) {
    return std::nullopt;
  }
  if (small > 0) {
    const auto vectors = t.eigenvectors(*values, small);
    if (!vectors) {
      return std::nullopt;
    }
    const Index other = std::max(rows, cols);
    std::vector<double> images(count_of(other, small));
    lapack.gemm(wide, false, other, small, size, a, vectors->data(), images.data());
    lapack.svd('N', other, small, images.data(), values->data(), nullptr, nullptr);
  }
  // Until here these were eigenvalues.
  std::transform(first_large, values->end(), first_large, [](double v) { return std::sqrt(v); });
  std::sort(values->begin(), values->end(), std::greater<>());
  return values;
}

}  // namespace fastcca
