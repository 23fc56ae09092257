#include "core/cca.hpp"

#include <algorithm>
#include <utility>

namespace fastcca {

namespace {

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

// A pair of which both sides have a direction, and where what follows from it goes.
template <class Scalar>
struct Comparison {
  const WhitenerOf<Scalar>* rows;
  const WhitenerOf<Scalar>* cols;
  CcaSideOf<Scalar>* row_side;
  CcaSideOf<Scalar>* col_side;
  CcaSolutionOf<Scalar>* out;
};

// Fills in what follows from the core matrices.
template <class Scalar>
void decompose(const LinearAlgebra<Scalar>& algebra,
               const std::vector<Comparison<Scalar>>& comparisons,
               std::vector<MatrixOf<Scalar>> cores, Wanted wanted) {
  if (wanted == Wanted::kSumOfSquares) {
    for (std::size_t i = 0; i < cores.size(); ++i) {
      const Comparison<Scalar>& c = comparisons[i];
      const double norm = algebra.frobenius_norm(cores[i]);
      c.out->sum_of_squares =
          std::min(norm * norm, static_cast<double>(std::min(c.rows->rank(), c.cols->rank())));
    }
    return;
  }
  if (wanted == Wanted::kWeights) {
    for (std::size_t i = 0; i < cores.size(); ++i) {
      const Comparison<Scalar>& c = comparisons[i];
      auto svd = algebra.svd(std::move(cores[i]));
      c.out->correlations = std::move(svd.values);
      auto v = algebra.transposed(svd.vt);
      c.row_side->loadings = c.rows->loadings(svd.u);
      c.col_side->loadings = c.cols->loadings(v);
      c.row_side->weights = c.rows->weights(std::move(svd.u));
      c.col_side->weights = c.cols->weights(std::move(v));
    }
  } else {
    auto values = algebra.singular_values_each(std::move(cores));
    for (std::size_t i = 0; i < values.size(); ++i) {
      comparisons[i].out->correlations = std::move(values[i]);
    }
  }
  for (const auto& comparison : comparisons) {
    for (double& rho : comparison.out->correlations) {
      rho = std::clamp(rho, 0.0, 1.0);
      comparison.out->sum_of_squares += rho * rho;
    }
  }
}

template <class Scalar>
std::vector<PreparedBlockOf<Scalar>> prepare_each(const LinearAlgebra<Scalar>& algebra,
                                                  std::vector<BlockCovarianceOf<Scalar>> blocks,
                                                  double ridge, double rank_tolerance,
                                                  const std::optional<Truncation>& keep) {
  for (auto& block : blocks) {
    block.rank_tolerance = rank_tolerance;
  }
  std::vector<PreparedBlockOf<Scalar>> out;
  if (keep) {
    for (const auto& block : blocks) {
      const auto axes = principal_axes(algebra, block);
      const auto rank = static_cast<Index>(axes.real.size());
      out.push_back({WhitenerOf<Scalar>(algebra, axes, kept_axes(axes, *keep)), rank,
                     wants_more(*keep, rank) ? axes.undecided : 0, dead_units(algebra, block)});
    }
    return out;
  }
  for (auto& whitener :
       WhitenerOf<Scalar>::of_each(algebra, std::span(std::as_const(blocks)), ridge)) {
    const Index rank = whitener.rank();
    const Index undecided = whitener.undecided();
    auto dead = others(whitener.size(), whitener.live());
    out.push_back({std::move(whitener), rank, undecided, std::move(dead)});
  }
  return out;
}

template <class Scalar>
std::vector<CcaSolutionOf<Scalar>> solve_prepared_each(
    const LinearAlgebra<Scalar>& algebra, std::span<const PreparedPairOf<Scalar>> pairs,
    Wanted wanted) {
  std::vector<CcaSolutionOf<Scalar>> out(pairs.size());
  std::vector<Comparison<Scalar>> comparisons;
  std::vector<WhitenedPairOf<Scalar>> whitened;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const PreparedPairOf<Scalar>& pair = pairs[i];
    const auto fill = [&](CcaSideOf<Scalar>& side, const PreparedBlockOf<Scalar>& block) {
      side = side_of(algebra, block.whitener, wanted == Wanted::kWeights);
      side.rank = block.rank;
      side.undecided = block.undecided;
      side.dead = block.dead;
    };
    CcaSideOf<Scalar>& row_side = pair.swapped ? out[i].y : out[i].x;
    CcaSideOf<Scalar>& col_side = pair.swapped ? out[i].x : out[i].y;
    fill(row_side, *pair.rows);
    fill(col_side, *pair.cols);
    if (pair.rows->whitener.rank() > 0 && pair.cols->whitener.rank() > 0) {
      whitened.push_back({&pair.rows->whitener, &pair.cols->whitener, pair.cross, pair.degrees});
      comparisons.push_back(
          {&pair.rows->whitener, &pair.cols->whitener, &row_side, &col_side, &out[i]});
    }
  }
  decompose(algebra, comparisons, core_matrices(algebra, std::span(std::as_const(whitened))),
            wanted);
  return out;
}

}  // namespace

template <class Scalar>
PreparedBlockOf<Scalar> prepare(const LinearAlgebra<Scalar>& algebra,
                                BlockCovarianceOf<Scalar> block, double ridge,
                                double rank_tolerance, const std::optional<Truncation>& keep) {
  std::vector<BlockCovarianceOf<Scalar>> one;
  one.push_back(std::move(block));
  return std::move(prepare_each(algebra, std::move(one), ridge, rank_tolerance, keep).front());
}

CcaSolution solve_prepared(const LinearAlgebra<double>& algebra, const PreparedPair& pair,
                           Wanted wanted) {
  return std::move(solve_prepared_each(algebra, std::span(&pair, 1), wanted).front());
}

template <class Scalar>
std::vector<CcaSolutionOf<Scalar>> solve_cca_each(const LinearAlgebra<Scalar>& algebra,
                                                  std::span<const BlockPairOf<Scalar>> pairs,
                                                  const CcaOptions& options) {
  std::vector<BlockCovarianceOf<Scalar>> x_blocks;
  std::vector<BlockCovarianceOf<Scalar>> y_blocks;
  for (const auto& pair : pairs) {
    x_blocks.push_back(pair.swapped ? pair.cols : pair.rows);
    y_blocks.push_back(pair.swapped ? pair.rows : pair.cols);
  }
  const auto x = prepare_each(algebra, std::move(x_blocks), options.ridge, options.rank_tolerance,
                              options.x_keep);
  const auto y = prepare_each(algebra, std::move(y_blocks), options.ridge, options.rank_tolerance,
                              options.y_keep);
  std::vector<PreparedPairOf<Scalar>> prepared;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& pair = pairs[i];
    prepared.push_back({pair.swapped ? &y[i] : &x[i], pair.swapped ? &x[i] : &y[i], pair.cross,
                        pair.degrees(), pair.swapped});
  }
  return solve_prepared_each(algebra, std::span(std::as_const(prepared)),
                             options.weights ? Wanted::kWeights : Wanted::kCorrelations);
}

template <class Scalar>
CcaSolutionOf<Scalar> solve_cca(const LinearAlgebra<Scalar>& algebra,
                                const BlockPairOf<Scalar>& pair, const CcaOptions& options) {
  return std::move(solve_cca_each(algebra, std::span(&pair, 1), options).front());
}

CcaSolution solve_whitened(const LinearAlgebra<double>& algebra, const Whitener& x,
                           const Whitener& y, Matrix core, bool weights) {
  CcaSolution out;
  out.x = side_of(algebra, x, weights);
  out.y = side_of(algebra, y, weights);
  out.x.dead = others(x.size(), x.live());
  out.y.dead = others(y.size(), y.live());
  if (x.rank() > 0 && y.rank() > 0) {
    std::vector<Matrix> cores;
    cores.push_back(std::move(core));
    decompose(algebra, {{&x, &y, &out.x, &out.y, &out}}, std::move(cores),
              weights ? Wanted::kWeights : Wanted::kCorrelations);
  }
  return out;
}

CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options) {
  const LinearAlgebra<double>& algebra = moments.backend();
  return solve_cca(algebra, pair_of(moments, x, y), options);
}

template PreparedBlock prepare(const LinearAlgebra<double>&, BlockCovariance, double, double,
                               const std::optional<Truncation>&);
template CcaSolution solve_cca(const LinearAlgebra<double>&, const BlockPair&, const CcaOptions&);
template std::vector<CcaSolutionOf<Complex>> solve_cca_each(const LinearAlgebra<Complex>&,
                                                            std::span<const BlockPairOf<Complex>>,
                                                            const CcaOptions&);
template CcaSolutionOf<Complex> solve_cca(const LinearAlgebra<Complex>&,
                                          const BlockPairOf<Complex>&, const CcaOptions&);

}  // namespace fastcca
