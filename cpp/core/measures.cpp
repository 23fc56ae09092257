#include "core/measures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "core/errors.hpp"

namespace fastcca {

namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// Sums and norms of what is finite need not be: 0 or NaN would come out of them.
double finite(double total) {
  if (!std::isfinite(total)) {
    throw ScaleError(
        "the variances of a block overflow float64 when they are added up; divide the data by a "
        "constant (the measure does not depend on the scale)");
  }
  return total;
}

double root_of_total(const std::vector<double>& diagonal) {
  return std::sqrt(finite(sum(diagonal)));
}

// 1 for live units, 0 for dead ones.
std::vector<double> mask_of(const Backend& backend, const BlockCovariance& block) {
  const LinearAlgebra<double>& algebra = backend;
  std::vector<double> out(static_cast<std::size_t>(block.scatter->rows()), 1.0);
  for (const Index j : dead_units(algebra, block)) {
    out[static_cast<std::size_t>(j)] = 0.0;
  }
  return out;
}

// A pair without what its dead units hold, which is rounding and could outweigh the others.
struct LivePair {
  const Backend& backend;
  BlockPair pair;
  std::vector<double> row_mask, col_mask;

  LivePair(const Moments& moments, Index x, Index y)
      : backend(moments.backend()),
        pair(pair_of(moments, x, y)),
        row_mask(mask_of(backend, pair.rows)),
        col_mask(mask_of(backend, pair.cols)) {}

  bool both_vary() const { return sum(row_mask) > 0.0 && sum(col_mask) > 0.0; }
  Matrix cross() const { return masked(*pair.cross, row_mask, col_mask); }
  Matrix rows() const { return masked(*pair.rows.scatter, row_mask, row_mask); }
  Matrix cols() const { return masked(*pair.cols.scatter, col_mask, col_mask); }

 private:
  Matrix masked(const Matrix& a, const std::vector<double>& of_rows,
                const std::vector<double>& of_cols) const {
    return backend.scaled_submatrix(a, index_range(a.rows()), of_rows, index_range(a.cols()),
                                    of_cols);
  }
};

}  // namespace

PlsSolution solve_pls(const Moments& moments, Index x, Index y) {
  const LivePair live(moments, x, y);
  const Backend& backend = moments.backend();
  Svd svd = backend.svd(live.cross());
  PlsSolution out{std::move(svd.values), std::move(svd.u), backend.transposed(svd.vt)};
  for (double& s : out.singular_values) {
    s = finite(s) / live.pair.degrees();
  }
  if (live.pair.swapped) {
    std::swap(out.x_weights, out.y_weights);
  }
  return out;
}

double linear_cka(const Moments& moments, Index x, Index y) {
  const LivePair live(moments, x, y);
  if (!live.both_vary()) {
    return 0.0;
  }
  const Backend& backend = moments.backend();
  const double between = finite(backend.frobenius_norm(live.cross()));
  // The norms one by one: their products could overflow.
  const double rows = finite(backend.frobenius_norm(live.rows()));
  const double cols = finite(backend.frobenius_norm(live.cols()));
  return std::clamp(between / rows * (between / cols), 0.0, 1.0);
}

double procrustes(const Moments& moments, Index x, Index y) {
  const LivePair live(moments, x, y);
  if (!live.both_vary()) {
    return 0.0;
  }
  const Backend& backend = moments.backend();
  const double nuclear = sum(backend.singular_values(live.cross()));
  const double rows = root_of_total(backend.diagonal(live.rows()));
  const double cols = root_of_total(backend.diagonal(live.cols()));
  return std::clamp(nuclear / rows / cols, 0.0, 1.0);
}

Regression linear_regression(const Moments& moments, Index x, Index y, double rank_tolerance) {
  BlockCovariance source = covariance_of(moments, x);
  source.rank_tolerance = rank_tolerance;
  return linear_regression(moments, x, y, Whitener(moments.backend(), source, 0.0));
}

Regression linear_regression(const Moments& moments, Index x, Index y, const Whitener& whitener) {
  const Backend& backend = moments.backend();
  const LivePair live(moments, x, y);
  const BlockPair& pair = live.pair;
  if (!live.both_vary()) {
    return {};
  }
  const BlockCovariance& target = pair.swapped ? pair.rows : pair.cols;
  std::vector<double> scale(whitener.inverse_scale());
  for (double& s : scale) {
    s /= std::sqrt(pair.degrees());
  }
  const Index targets = target.scatter->rows();
  const auto all = index_range(targets);
  const Matrix explained = pair.swapped
                               ? whitener.whiten_columns(backend.scaled_submatrix(
                                     *pair.cross, all, live.row_mask, whitener.live(), scale))
                               : whitener.whiten_rows(backend.scaled_submatrix(
                                     *pair.cross, whitener.live(), scale, all, live.col_mask));
  const double norm = backend.frobenius_norm(explained);
  const double total = root_of_total(backend.diagonal(pair.swapped ? live.rows() : live.cols()));
  return {std::clamp(norm / total * (norm / total), 0.0, 1.0), whitener.condition(),
          whitener.undecided()};
}

}  // namespace fastcca
