#include "core/cca.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fastcca {

namespace {

template <class Scalar>
struct Prepared {
  WhitenerOf<Scalar> whitener;
  Index rank;
  Index undecided;
};

template <class Scalar>
Prepared<Scalar> prepare(const LinearAlgebra<Scalar>& algebra, BlockCovarianceOf<Scalar> block,
                         const CcaOptions& options, const std::optional<Truncation>& keep) {
  block.rank_tolerance = options.rank_tolerance;
  if (keep) {
    const auto axes = principal_axes(algebra, block);
    const auto rank = static_cast<Index>(axes.real.size());
    return {WhitenerOf<Scalar>(algebra, axes, kept_axes(axes, *keep)), rank,
            wants_more(*keep, rank) ? axes.undecided : 0};
  }
  WhitenerOf<Scalar> whitener(algebra, block, options.ridge);
  const Index rank = whitener.rank();
  const Index undecided = whitener.undecided();
  return {std::move(whitener), rank, undecided};
}

template <class Scalar>
CcaSideOf<Scalar> side_of(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& whitener,
                          bool weights) {
  CcaSideOf<Scalar> out;
  out.rank = whitener.rank();
  out.kept = whitener.rank();
  out.condition = whitener.condition();
  out.undecided = whitener.undecided();
  const auto all = index_range(whitener.size());
  std::set_difference(all.begin(), all.end(), whitener.live().begin(), whitener.live().end(),
                      std::back_inserter(out.dead));
  if (weights) {  // of no variate, until there are some
    out.weights = algebra.from_host(nullptr, whitener.size(), 0);
    out.loadings = algebra.from_host(nullptr, whitener.size(), 0);
  }
  return out;
}

// Fills in what follows from the core matrix of two sides that both have a direction.
template <class Scalar>
void decompose(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& rows,
               const WhitenerOf<Scalar>& cols, MatrixOf<Scalar> core, bool weights,
               CcaSideOf<Scalar>& row_side, CcaSideOf<Scalar>& col_side,
               std::vector<double>& correlations) {
  if (weights) {
    auto svd = algebra.svd(std::move(core));
    correlations = std::move(svd.values);
    auto v = algebra.transposed(svd.vt);
    row_side.loadings = rows.loadings(svd.u);
    col_side.loadings = cols.loadings(v);
    row_side.weights = rows.weights(std::move(svd.u));
    col_side.weights = cols.weights(std::move(v));
  } else {
    correlations = algebra.singular_values(std::move(core));
  }
  for (double& rho : correlations) {
    rho = std::clamp(rho, 0.0, 1.0);
  }
}

}  // namespace

template <class Scalar>
CcaSolutionOf<Scalar> solve_cca(const LinearAlgebra<Scalar>& algebra,
                                const BlockPairOf<Scalar>& pair, const CcaOptions& options) {
  const auto& row_keep = pair.swapped ? options.y_keep : options.x_keep;
  const auto& col_keep = pair.swapped ? options.x_keep : options.y_keep;
  const auto prepared_rows = prepare(algebra, pair.rows, options, row_keep);
  const auto prepared_cols = prepare(algebra, pair.cols, options, col_keep);
  const auto& rows = prepared_rows.whitener;
  const auto& cols = prepared_cols.whitener;
  CcaSolutionOf<Scalar> out;
  CcaSideOf<Scalar>& row_side = pair.swapped ? out.y : out.x;
  CcaSideOf<Scalar>& col_side = pair.swapped ? out.x : out.y;
  row_side = side_of(algebra, rows, options.weights);
  col_side = side_of(algebra, cols, options.weights);
  row_side.rank = prepared_rows.rank;
  col_side.rank = prepared_cols.rank;
  row_side.undecided = prepared_rows.undecided;
  col_side.undecided = prepared_cols.undecided;
  row_side.dead = dead_units(algebra, pair.rows);
  col_side.dead = dead_units(algebra, pair.cols);
  if (rows.rank() > 0 && cols.rank() > 0) {
    decompose(algebra, rows, cols, core_matrix(algebra, rows, cols, *pair.cross, pair.degrees()),
              options.weights, row_side, col_side, out.correlations);
  }
  return out;
}

CcaSolution solve_whitened(const LinearAlgebra<double>& algebra, const Whitener& x,
                           const Whitener& y, Matrix core, bool weights) {
  CcaSolution out;
  out.x = side_of(algebra, x, weights);
  out.y = side_of(algebra, y, weights);
  if (x.rank() > 0 && y.rank() > 0) {
    decompose(algebra, x, y, std::move(core), weights, out.x, out.y, out.correlations);
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
