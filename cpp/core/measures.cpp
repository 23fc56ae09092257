#include "core/measures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "core/errors.hpp"
#include "core/host_vectors.hpp"

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
std::vector<double> mask_of(const Moments& moments, Index block) {
  const LinearAlgebra<double>& algebra = moments.backend();
  const Units units = units_of(algebra, covariance_of(moments, block));
  auto out = filled(static_cast<Index>(units.variances.size()), 0.0);
  array(out)(units.live) = 1.0;
  return out;
}

// Two blocks without what their dead units hold, which is rounding and could outweigh the others.
class LivePair {
 public:
  LivePair(const Moments& moments, Index x, Index y)
      : backend_(moments.backend()),
        x_mask_(mask_of(moments, x)),
        y_mask_(mask_of(moments, y)),
        xx_(moments.scatter(x, x)),
        yy_(moments.scatter(y, y)),
        cross_(moments.cross(x, y)) {}

  bool both_vary() const { return sum(x_mask_) > 0.0 && sum(y_mask_) > 0.0; }
  Matrix x() const { return masked(xx_, x_mask_, x_mask_); }
  Matrix y() const { return masked(yy_, y_mask_, y_mask_); }
  // What the state keeps: x' y or its transpose.
  Matrix cross() const {
    return transposed() ? masked(*cross_.tile, y_mask_, x_mask_)
                        : masked(*cross_.tile, x_mask_, y_mask_);
  }
  bool transposed() const { return cross_.transpose == Transpose::kYes; }

  // x' y of some units of x, scaled, and the whitened directions of x that they make up.
  Matrix whitened_cross(const Whitener& x, std::span<const double> scale) const {
    const auto all = index_range(yy_.rows());
    return transposed() ? x.whiten_columns(backend_.scaled_submatrix(*cross_.tile, all, y_mask_,
                                                                     x.live(), scale))
                        : x.whiten_rows(backend_.scaled_submatrix(*cross_.tile, x.live(), scale,
                                                                  all, y_mask_));
  }

 private:
  Matrix masked(const Matrix& a, const std::vector<double>& of_rows,
                const std::vector<double>& of_cols) const {
    return backend_.scaled_submatrix(a, index_range(a.rows()), of_rows, index_range(a.cols()),
                                     of_cols);
  }

  const Backend& backend_;
  std::vector<double> x_mask_, y_mask_;
  const Matrix& xx_;
  const Matrix& yy_;
  Cross cross_;
};

}  // namespace

PlsSolution solve_pls(const Moments& moments, Index x, Index y) {
  const double degrees = degrees_of_freedom(moments.n_samples());
  const LivePair live(moments, x, y);
  const Backend& backend = moments.backend();
  Svd svd = backend.svd(live.cross());
  PlsSolution out{std::move(svd.values), std::move(svd.u), backend.transposed(svd.vt)};
  for (double& s : out.singular_values) {
    s = finite(s) / degrees;
  }
  if (live.transposed()) {
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
  const double of_x = finite(backend.frobenius_norm(live.x()));
  const double of_y = finite(backend.frobenius_norm(live.y()));
  return std::clamp(between / of_x * (between / of_y), 0.0, 1.0);
}

double procrustes(const Moments& moments, Index x, Index y) {
  const LivePair live(moments, x, y);
  if (live.transposed()) {
    return procrustes(moments, y, x);  // symmetric, and then to the last bit
  }
  if (!live.both_vary()) {
    return 0.0;
  }
  const Backend& backend = moments.backend();
  const double nuclear = sum(backend.singular_values(live.cross()));
  const double of_x = root_of_total(backend.diagonal(live.x()));
  const double of_y = root_of_total(backend.diagonal(live.y()));
  return std::clamp(nuclear / of_x / of_y, 0.0, 1.0);
}

Regression linear_regression(const Moments& moments, Index x, Index y, double rank_tolerance) {
  BlockCovariance source = covariance_of(moments, x);
  source.rank_tolerance = rank_tolerance;
  return linear_regression(moments, x, y, Whitener(moments.backend(), source, 0.0));
}

Regression linear_regression(const Moments& moments, Index x, Index y, const Whitener& whitener) {
  const Backend& backend = moments.backend();
  const LivePair live(moments, x, y);
  if (!live.both_vary()) {
    return {};
  }
  const double degrees = degrees_of_freedom(moments.n_samples());
  const auto scale = vector_of(array(whitener.inverse_scale()) / std::sqrt(degrees));
  const double norm = backend.frobenius_norm(live.whitened_cross(whitener, scale));
  const double total = root_of_total(backend.diagonal(live.y()));
  return {std::clamp(norm / total * (norm / total), 0.0, 1.0), whitener.condition(),
          whitener.undecided()};
}

}  // namespace fastcca
