#include "core/cca.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fastcca {

namespace {

template <class Scalar>
std::vector<Index> without(const WhitenerOf<Scalar>& whitener) {
  std::vector<Index> out;
  const auto all = index_range(whitener.size());
  std::set_difference(all.begin(), all.end(), whitener.live().begin(), whitener.live().end(),
                      std::back_inserter(out));
  return out;
}

template <class Scalar>
CcaSideOf<Scalar> side_of(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& whitener,
                          bool weights) {
  CcaSideOf<Scalar> out;
  out.rank = whitener.rank();
  out.kept = whitener.rank();
  out.condition = whitener.condition();
  out.undecided = whitener.undecided();
  if (weights) {  // of no variate, until there are some
    out.weights = algebra.from_host(nullptr, whitener.size(), 0);
    out.loadings = algebra.from_host(nullptr, whitener.size(), 0);
  }
  return out;
}

// Fills in what follows from the core matrix of two sides that both have a direction.
template <class Scalar>
void decompose(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& rows,
               const WhitenerOf<Scalar>& cols, MatrixOf<Scalar> core, Wanted wanted,
               CcaSideOf<Scalar>& row_side, CcaSideOf<Scalar>& col_side,
               CcaSolutionOf<Scalar>& out) {
  if (wanted == Wanted::kSumOfSquares) {
    const double norm = algebra.frobenius_norm(core);
    out.sum_of_squares =
        std::min(norm * norm, static_cast<double>(std::min(rows.rank(), cols.rank())));
    return;
  }
  std::vector<double>& correlations = out.correlations;
  if (wanted == Wanted::kWeights) {
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
    out.sum_of_squares += rho * rho;
  }
}

}  // namespace

template <class Scalar>
PreparedBlockOf<Scalar> prepare(const LinearAlgebra<Scalar>& algebra,
                                BlockCovarianceOf<Scalar> block, double ridge,
                                double rank_tolerance, const std::optional<Truncation>& keep) {
  block.rank_tolerance = rank_tolerance;
  std::vector<Index> dead = dead_units(algebra, block);
  if (keep) {
    const auto axes = principal_axes(algebra, block);
    const auto rank = static_cast<Index>(axes.real.size());
    return {WhitenerOf<Scalar>(algebra, axes, kept_axes(axes, *keep)), rank,
            wants_more(*keep, rank) ? axes.undecided : 0, std::move(dead)};
  }
  WhitenerOf<Scalar> whitener(algebra, block, ridge);
  const Index rank = whitener.rank();
  const Index undecided = whitener.undecided();
  return {std::move(whitener), rank, undecided, std::move(dead)};
}

template <class Scalar>
CcaSolutionOf<Scalar> solve_prepared(const LinearAlgebra<Scalar>& algebra,
                                     const PreparedBlockOf<Scalar>& rows,
                                     const PreparedBlockOf<Scalar>& cols,
                                     const MatrixOf<Scalar>& cross, double degrees, bool swapped,
                                     Wanted wanted) {
  CcaSolutionOf<Scalar> out;
  const auto fill = [&](CcaSideOf<Scalar>& side, const PreparedBlockOf<Scalar>& block) {
    side = side_of(algebra, block.whitener, wanted == Wanted::kWeights);
    side.rank = block.rank;
    side.undecided = block.undecided;
    side.dead = block.dead;
  };
  CcaSideOf<Scalar>& row_side = swapped ? out.y : out.x;
  CcaSideOf<Scalar>& col_side = swapped ? out.x : out.y;
  fill(row_side, rows);
  fill(col_side, cols);
  if (rows.whitener.rank() > 0 && cols.whitener.rank() > 0) {
    decompose(algebra, rows.whitener, cols.whitener,
              core_matrix(algebra, rows.whitener, cols.whitener, cross, degrees), wanted, row_side,
              col_side, out);
  }
  return out;
}

template <class Scalar>
CcaSolutionOf<Scalar> solve_cca(const LinearAlgebra<Scalar>& algebra,
                                const BlockPairOf<Scalar>& pair, const CcaOptions& options) {
  const auto prepared = [&](const BlockCovarianceOf<Scalar>& block, bool is_y) {
    return prepare(algebra, block, options.ridge, options.rank_tolerance,
                   is_y ? options.y_keep : options.x_keep);
  };
  return solve_prepared(algebra, prepared(pair.rows, pair.swapped),
                        prepared(pair.cols, !pair.swapped), *pair.cross, pair.degrees(),
                        pair.swapped, options.weights ? Wanted::kWeights : Wanted::kCorrelations);
}

CcaSolution solve_whitened(const LinearAlgebra<double>& algebra, const Whitener& x,
                           const Whitener& y, Matrix core, bool weights) {
  CcaSolution out;
  out.x = side_of(algebra, x, weights);
  out.y = side_of(algebra, y, weights);
  out.x.dead = without(x);
  out.y.dead = without(y);
  if (x.rank() > 0 && y.rank() > 0) {
    decompose(algebra, x, y, std::move(core), weights ? Wanted::kWeights : Wanted::kCorrelations,
              out.x, out.y, out);
  }
  return out;
}

CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options) {
  const LinearAlgebra<double>& algebra = moments.backend();
  return solve_cca(algebra, pair_of(moments, x, y), options);
}

template PreparedBlock prepare(const LinearAlgebra<double>&, BlockCovariance, double, double,
                               const std::optional<Truncation>&);
template CcaSolution solve_prepared(const LinearAlgebra<double>&, const PreparedBlock&,
                                    const PreparedBlock&, const Matrix&, double, bool, Wanted);
template CcaSolution solve_cca(const LinearAlgebra<double>&, const BlockPair&, const CcaOptions&);
template CcaSolutionOf<Complex> solve_cca(const LinearAlgebra<Complex>&,
                                          const BlockPairOf<Complex>&, const CcaOptions&);

}  // namespace fastcca
