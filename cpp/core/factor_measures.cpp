#include "core/factor_measures.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/rank_rule.hpp"

namespace fastcca {

namespace {

void need_two_samples(const QrFactor& factor) {
  if (factor.n_samples() < 2) {
    throw std::invalid_argument("a comparison needs at least 2 samples, but there " +
                                std::string(factor.n_samples() == 1 ? "is 1" : "are 0"));
  }
}

// The columns of R of one block, and what a rank decision needs to know of them.
struct Columns {
  Matrix r;  // (P, p)
  std::vector<double> variances;
  std::vector<double> energy;
  double input_epsilon;
  double degrees;
  std::vector<Index> live;

  Columns(const QrFactor& factor, Index i)
      : r(factor.columns(i)),
        input_epsilon(epsilon(factor.block(i).precision)),
        degrees(static_cast<double>(factor.n_samples() - 1)) {
    const std::vector<double> ones(static_cast<std::size_t>(r.rows()), 1.0);
    variances = factor.backend().weighted_squared_column_norms(r, ones);
    const auto& mean = factor.block(i).mean;
    for (std::size_t j = 0; j < variances.size(); ++j) {
      variances[j] /= degrees;
      energy.push_back(mean[j] * mean[j] + variances[j]);
    }
    live = rank_rule::live_units(variances, energy, input_epsilon);
  }

  std::vector<Index> dead() const {
    const auto all = index_range(r.cols());
    std::vector<Index> out;
    std::set_difference(all.begin(), all.end(), live.begin(), live.end(), std::back_inserter(out));
    return out;
  }
};

std::vector<double> ones(Index n) { return std::vector<double>(static_cast<std::size_t>(n), 1.0); }

// An orthonormal basis of the kept directions of one block, and the block ready to use them.
struct Basis {
  Matrix q;  // (P, rank)
  Whitener whitener;
  Index rank;
};

Basis no_basis(const Backend& backend, const Columns& columns, double ridge) {
  const LinearAlgebra<double>& algebra = backend;
  return {backend.zeros(columns.r.rows(), 0),
          Whitener(algebra, columns.r.cols(), {}, {}, backend.zeros(0, 0), {}, ridge), 0};
}

Basis basis_of(const Backend& backend, const Columns& columns, double ridge,
               double rank_tolerance) {
  const auto& live = columns.live;
  if (live.empty()) {
    return no_basis(backend, columns, ridge);
  }
  std::vector<double> inverse_scale;
  std::vector<double> unit_scale;
  for (const Index j : live) {
    inverse_scale.push_back(1.0 / std::sqrt(columns.variances[static_cast<std::size_t>(j)]));
    unit_scale.push_back(inverse_scale.back() / std::sqrt(columns.degrees));
  }
  Svd svd = backend.svd(backend.scaled_columns(columns.r, live, unit_scale));
  Matrix axes = backend.transposed(svd.vt);
  const auto noise = backend.weighted_squared_column_norms(
      axes, rank_rule::unit_noise(live, columns.variances, columns.energy, columns.input_epsilon));
  const double floor =
      std::max(rank_rule::factor_floor(live.size()), rank_tolerance) * svd.values.front();
  std::vector<Index> kept;
  std::vector<double> kept_variances;
  std::vector<double> shrunk;
  for (std::size_t k = 0; k < svd.values.size(); ++k) {
    const double s = svd.values[k];
    if (s > floor && s * s > noise[k]) {
      kept.push_back(static_cast<Index>(k));
      kept_variances.push_back(s * s);
      shrunk.push_back(s / std::sqrt(s * s + ridge));
    }
  }
  const LinearAlgebra<double>& algebra = backend;
  const auto rank = static_cast<Index>(kept.size());
  return {
      backend.scaled_columns(svd.u, kept, shrunk),
      Whitener(algebra, columns.r.cols(), live, std::move(inverse_scale),
               backend.scaled_columns(axes, kept, ones(rank)), std::move(kept_variances), ridge),
      rank};
}

struct FactorAxes {
  PrincipalAxes axes;
  Matrix u;  // (P, axes), orthonormal
};

FactorAxes axes_of(const Backend& backend, const Columns& columns, double rank_tolerance) {
  const auto& live = columns.live;
  FactorAxes out;
  if (live.empty()) {
    out.axes.axes = backend.from_host(nullptr, columns.r.cols(), 0);
    return out;
  }
  const auto count = static_cast<Index>(live.size());
  const std::vector<double> scale(live.size(), 1.0 / std::sqrt(columns.degrees));
  std::vector<double> noise_of_units;
  for (const Index j : live) {
    noise_of_units.push_back(rank_rule::noise_variance(columns.energy[static_cast<std::size_t>(j)],
                                                       columns.input_epsilon));
  }
  Svd svd = backend.svd(backend.scaled_columns(columns.r, live, scale));
  if (!std::isfinite(svd.values.front() * svd.values.front())) {
    refuse_large("a block");
  }
  const Matrix axes = backend.transposed(svd.vt);
  const auto noise = backend.weighted_squared_column_norms(axes, noise_of_units);
  const double floor =
      std::max(rank_rule::factor_floor(live.size()), rank_tolerance) * svd.values.front();
  for (std::size_t k = 0; k < svd.values.size(); ++k) {
    const double s = svd.values[k];
    if (s > floor && s * s > noise[k]) {
      out.axes.real.push_back(static_cast<Index>(k));
    }
    out.axes.variances.push_back(s * s);
  }
  out.axes.axes = backend.scattered_rows(axes, live, ones(count), columns.r.cols());
  out.u = std::move(svd.u);
  return out;
}

Basis truncated_basis(const Backend& backend, const Columns& columns, const Truncation& keep,
                      double rank_tolerance) {
  const FactorAxes of_block = axes_of(backend, columns, rank_tolerance);
  const auto kept = kept_axes(of_block.axes, keep);
  const LinearAlgebra<double>& algebra = backend;
  if (kept.empty()) {
    return no_basis(backend, columns, 0.0);
  }
  return {backend.scaled_columns(of_block.u, kept, ones(static_cast<Index>(kept.size()))),
          Whitener(algebra, of_block.axes, kept), static_cast<Index>(of_block.axes.real.size())};
}

Basis basis_of(const Backend& backend, const Columns& columns,
               const std::optional<Truncation>& keep, const CcaOptions& options) {
  return keep ? truncated_basis(backend, columns, *keep, options.rank_tolerance)
              : basis_of(backend, columns, options.ridge, options.rank_tolerance);
}

}  // namespace

CcaSolution solve_cca(const QrFactor& factor, Index x, Index y, const CcaOptions& options) {
  need_two_samples(factor);
  const Backend& backend = factor.backend();
  const LinearAlgebra<double>& algebra = backend;
  const Columns x_columns(factor, x);
  const Columns y_columns(factor, y);
  const Basis of_x = basis_of(backend, x_columns, options.x_keep, options);
  const Basis of_y = basis_of(backend, y_columns, options.y_keep, options);
  Matrix core = backend.multiply(of_x.q, Transpose::kYes, of_y.q, Transpose::kNo);
  CcaSolution out =
      solve_whitened(algebra, of_x.whitener, of_y.whitener, std::move(core), options.weights);
  out.x.rank = of_x.rank;
  out.y.rank = of_y.rank;
  out.x.dead = x_columns.dead();
  out.y.dead = y_columns.dead();
  return out;
}

PrincipalAxes principal_axes(const QrFactor& factor, Index block, double rank_tolerance) {
  need_two_samples(factor);
  return axes_of(factor.backend(), Columns(factor, block), rank_tolerance).axes;
}

Regression linear_regression(const QrFactor& factor, Index x, Index y, double rank_tolerance) {
  need_two_samples(factor);
  const Backend& backend = factor.backend();
  const Columns target(factor, y);
  const Basis source = basis_of(backend, Columns(factor, x), 0.0, rank_tolerance);
  if (source.rank == 0 || target.live.empty()) {
    return {};
  }
  const Matrix live =
      backend.scaled_columns(target.r, target.live, ones(static_cast<Index>(target.live.size())));
  const double explained =
      backend.frobenius_norm(backend.multiply(source.q, Transpose::kYes, live, Transpose::kNo));
  const double total = backend.frobenius_norm(live);
  return {std::clamp(explained / total * (explained / total), 0.0, 1.0),
          source.whitener.condition(), 0};
}

Moments moments_of(const QrFactor& factor) {
  const Backend& backend = factor.backend();
  std::vector<Block> blocks;
  std::vector<std::vector<Matrix>> scatter;
  for (Index i = 0; i < factor.block_count(); ++i) {
    blocks.push_back(factor.block(i));
    const Matrix rows = factor.columns(i);
    auto& tiles = scatter.emplace_back();
    for (Index j = 0; j < i; ++j) {
      tiles.push_back(backend.multiply(rows, Transpose::kYes, factor.columns(j), Transpose::kNo));
    }
    // The half of it plus its transpose, symmetric to the last bit.
    const auto all = index_range(rows.cols());
    const std::vector<double> half(all.size(), 0.5);
    Matrix tile =
        backend.scaled_submatrix(backend.multiply(rows, Transpose::kYes, rows, Transpose::kNo), all,
                                 half, all, ones(rows.cols()));
    backend.add_scaled(tile, 1.0, backend.transposed(tile));
    tiles.push_back(std::move(tile));
  }
  return Moments::restore(backend, factor.n_samples(), std::move(blocks), std::move(scatter));
}

}  // namespace fastcca
