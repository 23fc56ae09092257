#include "core/factor_measures.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/host_vectors.hpp"
#include "core/spectrum.hpp"

namespace fastcca {

namespace {

// The columns of R of one block, and what a rank decision needs to know of them.
struct Columns {
  Matrix r;  // (P, p)
  double degrees;
  Units units;

  Columns(const QrFactor& factor, Index block)
      : r(factor.columns(block)),
        degrees(degrees_of_freedom(factor.n_samples())),
        units(units_of_columns(factor, block)) {}

 private:
  Units units_of_columns(const QrFactor& factor, Index i) const {
    const Block& block = factor.block(i);
    auto variances = factor.backend().weighted_squared_column_norms(r, filled(r.rows(), 1.0));
    array(variances) /= degrees;
    auto energy = vector_of(array(block.mean).square() + array(variances));
    return {std::move(variances), std::move(energy), epsilon(block.precision)};
  }
};

// An orthonormal basis of the kept directions of one block, and the block ready to use them.
struct Basis {
  Matrix q;  // (P, rank)
  PreparedBlock block;
};

// The columns are scaled to unit variance. A ridge makes the basis shorter along small variances.
Basis basis_of(const LinearAlgebra<double>& algebra, const Columns& columns, double ridge,
               double rank_tolerance) {
  const Units& units = columns.units;
  const auto scale = vector_of(array(units.inverse_scale()) / std::sqrt(columns.degrees));
  const auto spectrum = spectrum_of_factor(
      algebra, algebra.scaled_columns(columns.r, units.live, scale), units.unit_noise(),
      rank_rule::floors_of_factor(units.live.size(), rank_tolerance));
  const auto& kept = spectrum.directions.rank.kept;
  const auto values = array(spectrum.singular_values)(kept);
  const auto shrunk = vector_of(values / (values.square() + ridge).sqrt());
  return {algebra.scaled_columns(spectrum.u, kept, shrunk),
          PreparedBlock(Whitener(algebra, columns.r.cols(), units.live, units.inverse_scale(),
                                 spectrum.directions.axes(algebra, kept),
                                 spectrum.directions.kept_variances(), ridge))};
}

struct FactorAxes {
  PrincipalAxes axes;
  Matrix u;  // (P, axes), orthonormal
};

FactorAxes axes_of(const LinearAlgebra<double>& algebra, const Columns& columns,
                   double rank_tolerance) {
  const Units& units = columns.units;
  const std::vector<double> scale(units.live.size(), 1.0 / std::sqrt(columns.degrees));
  auto spectrum = spectrum_of_factor(
      algebra, algebra.scaled_columns(columns.r, units.live, scale), units.noise(),
      rank_rule::floors_of_factor(units.live.size(), rank_tolerance));
  if (!array(spectrum.directions.variances).isFinite().all()) {
    refuse_large("a block");
  }
  return {principal_axes(algebra, units, spectrum.directions), std::move(spectrum.u)};
}

Basis basis_of(const LinearAlgebra<double>& algebra, const Columns& columns,
               const std::optional<Truncation>& keep, const CcaOptions& options) {
  if (!keep) {
    return basis_of(algebra, columns, options.ridge, options.rank_tolerance);
  }
  const auto [axes, u] = axes_of(algebra, columns, options.rank_tolerance);
  return {algebra.columns(u, kept_axes(axes, *keep)), PreparedBlock(algebra, axes, *keep)};
}

}  // namespace

CcaSolution solve_cca(const QrFactor& factor, Index x, Index y, const CcaOptions& options) {
  degrees_of_freedom(factor.n_samples());  // without samples there are no blocks either
  const LinearAlgebra<double>& algebra = factor.backend();
  const Basis of_x = basis_of(algebra, Columns(factor, x), options.x_keep, options);
  const Basis of_y = basis_of(algebra, Columns(factor, y), options.y_keep, options);
  Matrix core = algebra.multiply(of_x.q, Transpose::kYes, of_y.q, Transpose::kNo);
  return solve_whitened(algebra, of_x.block, of_y.block, std::move(core), options.parts());
}

PrincipalAxes principal_axes(const QrFactor& factor, Index block, double rank_tolerance) {
  degrees_of_freedom(factor.n_samples());
  return axes_of(factor.backend(), Columns(factor, block), rank_tolerance).axes;
}

Regression linear_regression(const QrFactor& factor, Index x, Index y, double rank_tolerance) {
  degrees_of_freedom(factor.n_samples());
  const LinearAlgebra<double>& algebra = factor.backend();
  const Columns target(factor, y);
  const Basis source = basis_of(algebra, Columns(factor, x), 0.0, rank_tolerance);
  if (source.block.rank == 0 || target.units.live.empty()) {
    return {};
  }
  const Matrix live = algebra.columns(target.r, target.units.live);
  const double explained =
      algebra.frobenius_norm(algebra.multiply(source.q, Transpose::kYes, live, Transpose::kNo));
  const double total = algebra.frobenius_norm(live);
  return {std::clamp(explained / total * (explained / total), 0.0, 1.0),
          source.block.whitener.condition(), 0};
}

Moments moments_of(const QrFactor& factor) {
  const Backend& backend = factor.backend();
  std::vector<std::vector<Matrix>> scatter;
  for (Index i = 0; i < factor.block_count(); ++i) {
    const Matrix rows = factor.columns(i);
    auto& tiles = scatter.emplace_back();
    for (Index j = 0; j < i; ++j) {
      tiles.push_back(backend.multiply(rows, Transpose::kYes, factor.columns(j), Transpose::kNo));
    }
    // Half of it plus the transpose of that is symmetric to the last bit.
    const Matrix whole = backend.multiply(rows, Transpose::kYes, rows, Transpose::kNo);
    Matrix tile = backend.scaled(whole, 0.5);
    backend.add_scaled(tile, 1.0, backend.transposed(tile));
    tiles.push_back(std::move(tile));
  }
  return Moments::restore(backend, factor.n_samples(), factor.blocks(), std::move(scatter));
}

}  // namespace fastcca
