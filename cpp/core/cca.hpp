// Canonical correlation analysis (Hotelling 1936) of two blocks of moments.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/covariance.hpp"
#include "core/whitener.hpp"

namespace fastcca {

// How much of a solution is asked for; the sum of squares takes no decomposition.
enum class CcaParts : std::uint8_t { kSumOfSquares, kCorrelations, kWeights };

struct CcaOptions {
  double ridge = 0.0;
  bool weights = true;
  // SVCCA (Raghu et al. 2017): compare the leading principal axes of each side only. Both or none.
  std::optional<Truncation> x_keep;
  std::optional<Truncation> y_keep;
  double rank_tolerance = 0.0;  // see BlockCovarianceOf

  CcaParts parts() const { return weights ? CcaParts::kWeights : CcaParts::kCorrelations; }
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

template <class Scalar>
struct CcaSolutionOf {
  // (k,) descending in [0, 1], k = min of the ranks; none where their squares alone are asked for
  std::vector<double> correlations;
  double sum_of_squares = 0.0;
  CcaSideOf<Scalar> x;
  CcaSideOf<Scalar> y;

  void exchange_sides() { std::swap(x, y); }
  // From the singular values of a core matrix, which rounding may have left above 1.
  void set_correlations(std::vector<double> singular_values);
};
using CcaSolution = CcaSolutionOf<double>;

// One block made ready for every comparison it takes part in.
template <class Scalar>
struct PreparedBlockOf {
  PreparedBlockOf() = default;
  explicit PreparedBlockOf(WhitenerOf<Scalar> of_all)
      : whitener(std::move(of_all)),
        rank(whitener.rank()),
        undecided(whitener.undecided()),
        dead(whitener.dead()) {}
  // Prepares the leading axes that a truncation keeps.
  PreparedBlockOf(const LinearAlgebra<Scalar>& algebra, const PrincipalAxesOf<Scalar>& axes,
                  const Truncation& keep);

  WhitenerOf<Scalar> whitener;  // of the directions that are compared
  Index rank = 0;               // before a truncation
  Index undecided = 0;
  std::vector<Index> dead;
};
using PreparedBlock = PreparedBlockOf<double>;

template <class Scalar>
PreparedBlockOf<Scalar> prepare(const LinearAlgebra<Scalar>& algebra,
                                BlockCovarianceOf<Scalar> block, double ridge,
                                double rank_tolerance, const std::optional<Truncation>& keep);

// What follows from two prepared blocks and the core matrix between them.
template <class Scalar>
CcaSolutionOf<Scalar> solve_whitened(const LinearAlgebra<Scalar>& algebra,
                                     const PreparedBlockOf<Scalar>& x,
                                     const PreparedBlockOf<Scalar>& y, MatrixOf<Scalar> core,
                                     CcaParts parts);

// Compares two blocks whose scatter is `cross` (p, q).
template <class Scalar>
CcaSolutionOf<Scalar> solve_cca(const LinearAlgebra<Scalar>& algebra,
                                const BlockCovarianceOf<Scalar>& x,
                                const BlockCovarianceOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                                const CcaOptions& options);

// Blocks x and y may come in any order within the moments. Needs two samples.
CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options);

// Compares complex samples; energies are those of covariance_of.
CcaSolutionOf<Complex> solve_cca(const Moments& moments, const ComplexBlock& x,
                                 const ComplexBlock& y, const CcaOptions& options,
                                 const std::optional<std::vector<double>>& x_energy = {},
                                 const std::optional<std::vector<double>>& y_energy = {});

}  // namespace fastcca
