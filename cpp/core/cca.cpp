#include "core/cca.hpp"

#include <algorithm>
#include <utility>

namespace fastcca {

namespace {

template <class Scalar>
struct Prepared {
  WhitenerOf<Scalar> whitener;
  Index rank;
};

template <class Scalar>
Prepared<Scalar> prepare(const LinearAlgebra<Scalar>& algebra,
                         const BlockCovarianceOf<Scalar>& block, double ridge,
                         const std::optional<Truncation>& keep) {
  if (keep) {
    const auto axes = principal_axes(algebra, block);
    const Index kept = kept_axes(axes.variances, axes.rank, *keep);
    return {WhitenerOf<Scalar>(algebra, axes, kept), axes.rank};
  }
  WhitenerOf<Scalar> whitener(algebra, block, ridge);
  const Index rank = whitener.rank();
  return {std::move(whitener), rank};
}

template <class Scalar>
CcaSideOf<Scalar> side_of(const LinearAlgebra<Scalar>& algebra,
                          const BlockCovarianceOf<Scalar>& block, const Prepared<Scalar>& prepared,
                          bool weights) {
  const auto& whitener = prepared.whitener;
  CcaSideOf<Scalar> out;
  out.rank = prepared.rank;
  out.kept = whitener.rank();
  out.condition = whitener.condition();
  out.dead = dead_units(algebra, block);
  if (weights) {  // of no variate, until there are some
    out.weights = algebra.from_host(nullptr, whitener.size(), 0);
    out.loadings = algebra.from_host(nullptr, whitener.size(), 0);
  }
  return out;
}

}  // namespace

template <class Scalar>
CcaSolutionOf<Scalar> solve_cca(const LinearAlgebra<Scalar>& algebra,
                                const BlockPairOf<Scalar>& pair, const CcaOptions& options) {
  const auto& row_keep = pair.swapped ? options.y_keep : options.x_keep;
  const auto& col_keep = pair.swapped ? options.x_keep : options.y_keep;
  const auto prepared_rows = prepare(algebra, pair.rows, options.ridge, row_keep);
  const auto prepared_cols = prepare(algebra, pair.cols, options.ridge, col_keep);
  const auto& rows = prepared_rows.whitener;
  const auto& cols = prepared_cols.whitener;
  CcaSolutionOf<Scalar> out;
  CcaSideOf<Scalar>& row_side = pair.swapped ? out.y : out.x;
  CcaSideOf<Scalar>& col_side = pair.swapped ? out.x : out.y;
  row_side = side_of(algebra, pair.rows, prepared_rows, options.weights);
  col_side = side_of(algebra, pair.cols, prepared_cols, options.weights);
  if (rows.rank() == 0 || cols.rank() == 0) {
    return out;
  }

  auto core = core_matrix(algebra, rows, cols, *pair.cross, pair.degrees());
  if (options.weights) {
    auto svd = algebra.svd(std::move(core));
    out.correlations = std::move(svd.values);
    auto v = algebra.transposed(svd.vt);
    row_side.loadings = rows.loadings(svd.u);
    col_side.loadings = cols.loadings(v);
    row_side.weights = rows.weights(std::move(svd.u));
    col_side.weights = cols.weights(std::move(v));
  } else {
    out.correlations = algebra.singular_values(std::move(core));
  }
  for (double& rho : out.correlations) {
    rho = std::clamp(rho, 0.0, 1.0);
  }
  return out;
}

CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options) {
  const LinearAlgebra<double>& algebra = moments.backend();
  return solve_cca(algebra, pair_of(moments, x, y), options);
}

template CcaSolution solve_cca(const LinearAlgebra<double>&, const BlockPair&, const CcaOptions&);
template CcaSolutionOf<Complex> solve_cca(const LinearAlgebra<Complex>&,
                                          const BlockPairOf<Complex>&, const CcaOptions&);

}  // namespace fastcca
