#include "core/projection_weights.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "core/host_vectors.hpp"

namespace fastcca {

namespace {

// Correlations are computed to about this, so what is closer cannot be told apart.
constexpr double kTie = 1e-10;

}  // namespace

std::vector<double> projection_weights(const LinearAlgebra<double>& algebra, const Matrix& loadings,
                                       std::span<const double> correlations) {
  const std::size_t count = correlations.size();
  if (loadings.cols() != static_cast<Index>(count)) {
    throw std::invalid_argument("there are " + std::to_string(count) + " correlations of " +
                                std::to_string(loadings.cols()) + " variates");
  }
  const Matrix* used = &loadings;
  std::vector<double> shares = algebra.column_abs_sums(loadings);
  Matrix smaller;
  if (!std::isfinite(array(shares).sum())) {
    smaller = algebra.scaled(loadings, 0x1p-600);
    shares = algebra.column_abs_sums(smaller);
    used = &smaller;
  }
  for (std::size_t first = 0, end = 0; first < count; first = end) {
    for (end = first + 1; end < count && correlations[end - 1] - correlations[end] <= kTie; ++end) {
    }
    if (end - first == 1) {
      continue;
    }
    std::vector<Index> tied(end - first);
    std::iota(tied.begin(), tied.end(), static_cast<Index>(first));
    const Svd svd = algebra.svd(algebra.columns(*used, tied));
    const auto sums = algebra.column_abs_sums(algebra.scaled_columns(svd.u, svd.values));
    // There can be fewer features than variates of numbers that vanish.
    const auto from = shares.begin() + static_cast<Index>(first);
    std::fill_n(std::copy(sums.begin(), sums.end(), from), tied.size() - sums.size(), 0.0);
  }
  array(shares) /= array(shares).sum();
  return shares;
}

}  // namespace fastcca
