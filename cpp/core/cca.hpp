// Canonical correlation analysis (Hotelling 1936) of two blocks of moments.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/block.hpp"
#include "core/whitener.hpp"

namespace fastcca {

struct CcaOptions {
  double ridge = 0.0;
  bool weights = true;
  // SVCCA (Raghu et al. 2017): compare the leading principal axes of each side only. Both or none.
  std::optional<Truncation> x_keep;
  std::optional<Truncation> y_keep;
  double rank_tolerance = 0.0;  // see BlockCovarianceOf
};

template <class Scalar>
struct CcaSideOf {
  Index rank = 0;  // dimensions that are more than rounding
  Index kept = 0;  // dimensions that were compared: fewer only where a truncation says so
  double condition = 1.0;
  Index undecided = 0;                       // directions lost by the covariance, see WhitenerOf
  std::vector<Index> dead;                   // units without variance
  std::optional<MatrixOf<Scalar>> weights;   // (p, k), variates of unit variance
  std::optional<MatrixOf<Scalar>> loadings;  // (p, k), covariances of the units with the variates
};

// What is asked of a pair; the sum of squares takes no decomposition.
enum class Wanted : std::uint8_t { kSumOfSquares, kCorrelations, kWeights };

template <class Scalar>
struct CcaSolutionOf {
  // (k,) descending in [0, 1], k = min of the ranks; none where their squares alone were wanted
  std::vector<double> correlations;
  double sum_of_squares = 0.0;
  CcaSideOf<Scalar> x;
  CcaSideOf<Scalar> y;
};
using CcaSolution = CcaSolutionOf<double>;

// One block made ready for every comparison it takes part in.
template <class Scalar>
struct PreparedBlockOf {
  WhitenerOf<Scalar> whitener;  // of the directions that are compared
  Index rank = 0;
  Index undecided = 0;
  std::vector<Index> dead;
};
using PreparedBlock = PreparedBlockOf<double>;

template <class Scalar>
PreparedBlockOf<Scalar> prepare(const LinearAlgebra<Scalar>& algebra,
                                BlockCovarianceOf<Scalar> block, double ridge,
                                double rank_tolerance, const std::optional<Truncation>& keep);

// `cross` (rows, cols) is the scatter of two blocks, over `degrees` their covariance; `swapped`
// says that its rows belong to y.
template <class Scalar>
struct PreparedPairOf {
  const PreparedBlockOf<Scalar>* rows;
  const PreparedBlockOf<Scalar>* cols;
  const MatrixOf<Scalar>* cross;
  double degrees;
  bool swapped;
};
using PreparedPair = PreparedPairOf<double>;

CcaSolution solve_prepared(const LinearAlgebra<double>& algebra, const PreparedPair& pair,
                           Wanted wanted);

template <class Scalar>
CcaSolutionOf<Scalar> solve_cca(const LinearAlgebra<Scalar>& algebra,
                                const BlockPairOf<Scalar>& pair, const CcaOptions& options);
// Of several pairs on one backend, which it may decompose together.
template <class Scalar>
std::vector<CcaSolutionOf<Scalar>> solve_cca_each(const LinearAlgebra<Scalar>& algebra,
                                                  std::span<const BlockPairOf<Scalar>> pairs,
                                                  const CcaOptions& options);

// What follows from two whitened blocks and the core matrix between them.
CcaSolution solve_whitened(const LinearAlgebra<double>& algebra, const Whitener& x,
                           const Whitener& y, Matrix core, bool weights);

// Blocks x and y may come in any order within the moments. Needs two samples.
CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options);

}  // namespace fastcca
