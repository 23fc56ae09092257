#include "core/measures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace fastcca {

namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// Sums and norms of what is finite need not be: 0 or NaN would come out of them.
double finite(double total) {
  if (!std::isfinite(total)) {
    throw std::invalid_argument(
        "the variances of a block overflow float64 when they are added up; divide the data by a "
        "constant (the measure does not depend on the scale)");
  }
  return total;
}

// The rounding of a constant block has no direction that could be compared.
bool both_vary(const Backend& backend, const BlockPair& pair) {
  const LinearAlgebra<double>& algebra = backend;
  return varies(algebra, pair.rows) && varies(algebra, pair.cols);
}

double root_of_total(const Backend& backend, const BlockCovariance& block) {
  return std::sqrt(finite(sum(backend.diagonal(*block.scatter))));
}

}  // namespace

PlsSolution solve_pls(const Moments& moments, Index x, Index y) {
  const Backend& backend = moments.backend();
  const BlockPair pair = pair_of(moments, x, y);
  Svd svd = backend.svd(backend.copy(*pair.cross));
  PlsSolution out{std::move(svd.values), std::move(svd.u), backend.transposed(svd.vt)};
  for (double& s : out.singular_values) {
    s = finite(s) / pair.degrees();
  }
  if (pair.swapped) {
    std::swap(out.x_weights, out.y_weights);
  }
  return out;
}

double linear_cka(const Moments& moments, Index x, Index y) {
  const Backend& backend = moments.backend();
  const BlockPair pair = pair_of(moments, x, y);
  if (!both_vary(backend, pair)) {
    return 0.0;
  }
  const double between = finite(backend.frobenius_norm(*pair.cross));
  // The norms one by one: their products could overflow.
  const double rows = finite(backend.frobenius_norm(*pair.rows.scatter));
  const double cols = finite(backend.frobenius_norm(*pair.cols.scatter));
  return std::clamp(between / rows * (between / cols), 0.0, 1.0);
}

double procrustes(const Moments& moments, Index x, Index y) {
  const Backend& backend = moments.backend();
  const BlockPair pair = pair_of(moments, x, y);
  if (!both_vary(backend, pair)) {
    return 0.0;
  }
  const double nuclear = sum(backend.singular_values(backend.copy(*pair.cross)));
  const double rows = root_of_total(backend, pair.rows);
  const double cols = root_of_total(backend, pair.cols);
  return std::clamp(nuclear / rows / cols, 0.0, 1.0);
}

double linear_regression_r2(const Moments& moments, Index x, Index y) {
  const Backend& backend = moments.backend();
  const BlockPair pair = pair_of(moments, x, y);
  if (!both_vary(backend, pair)) {
    return 0.0;
  }
  const Whitener whitener(backend, pair.swapped ? pair.cols : pair.rows, 0.0);
  const BlockCovariance& target = pair.swapped ? pair.rows : pair.cols;
  std::vector<double> scale(whitener.inverse_scale());
  for (double& s : scale) {
    s /= std::sqrt(pair.degrees());
  }
  const Index targets = target.scatter->rows();
  const auto all = index_range(targets);
  const std::vector<double> ones(all.size(), 1.0);
  const Matrix explained = pair.swapped ? whitener.whiten_columns(backend.scaled_submatrix(
                                              *pair.cross, all, ones, whitener.live(), scale))
                                        : whitener.whiten_rows(backend.scaled_submatrix(
                                              *pair.cross, whitener.live(), scale, all, ones));
  const double norm = backend.frobenius_norm(explained);
  const double total = root_of_total(backend, target);
  return std::clamp(norm / total * (norm / total), 0.0, 1.0);
}

}  // namespace fastcca
