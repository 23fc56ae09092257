// One block made ready for every comparison it takes part in: which units are alive, the rank that
// its input's precision supports, and a map to identity covariance. Built once per block.
#pragma once

#include <span>
#include <vector>

#include "core/block.hpp"
#include "core/extreme_eigenvalues.hpp"
#include "core/principal_axes.hpp"
#include "core/units.hpp"

namespace fastcca {

template <class Scalar>
class WhitenerOf {
 public:
  using Mat = MatrixOf<Scalar>;

  // Scales the block to unit variance, drops dead units, and keeps the directions whose variance
  // is above both the rounding noise of the input and that of the covariance itself. Cholesky
  // where every direction is safely above, eigenvectors otherwise. `ridge` is added to the
  // diagonal of the unit-scaled covariance after the rank was decided.
  WhitenerOf(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block,
             double ridge);
  // Those of several blocks, each as if it were alone.
  static std::vector<WhitenerOf> of_each(const LinearAlgebra<Scalar>& algebra,
                                         std::span<const BlockCovarianceOf<Scalar>> blocks,
                                         double ridge);

  // Some principal axes, in the block's own scale.
  WhitenerOf(const LinearAlgebra<Scalar>& algebra, const PrincipalAxesOf<Scalar>& axes,
             std::span<const Index> kept);

  // Axes (live, rank) of the unit-scaled live units, orthonormal, with their descending variances.
  WhitenerOf(const LinearAlgebra<Scalar>& algebra, Index size, std::vector<Index> live,
             std::vector<double> inverse_scale, Mat axes, std::vector<double> variances,
             double ridge);

  Index size() const { return size_; }
  Index rank() const { return rank_; }
  // Of the kept block: the ratio of its largest to its smallest singular value.
  double condition() const { return condition_; }
  // Directions that were dropped although the input's own precision could hold them: forming the
  // covariance has lost their digits.
  Index undecided() const { return undecided_; }
  const std::vector<Index>& live() const { return live_; }
  // 1 / standard deviation of each live unit.
  const std::vector<double>& inverse_scale() const { return inverse_scale_; }

  // W' c, for c with one row per live unit, scaled by inverse_scale: (rank, cols of c).
  Mat whiten_rows(Mat c) const;
  // c W, for c with one column per live unit: (rows of c, rank).
  Mat whiten_columns(Mat c) const;
  // The same for several, of one backend, each with a whitener of its own.
  using Each = std::span<const WhitenerOf* const>;
  static void whiten_rows_each(Each whiteners, std::vector<Mat>& c);
  static void whiten_columns_each(Each whiteners, std::vector<Mat>& c);
  // Weights over all units of the combinations u of whitened directions: (size, cols of u).
  Mat weights(Mat u) const;
  // Covariances of all units with the variates of those weights: (size, cols of u).
  Mat loadings(const Mat& u) const;
  // F (live, rank) with F F' = the kept covariance of the live units, in their own scale.
  Mat factor() const;

 private:
  struct Undecomposed;

  WhitenerOf(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block,
             const Units& units, double ridge);
  Undecomposed undecomposed(const BlockCovarianceOf<Scalar>& block, const Units& units);
  static void factorize(const LinearAlgebra<Scalar>& algebra, std::vector<Undecomposed>& all);
  static void add_ridge(const LinearAlgebra<Scalar>& algebra, double ridge,
                        std::span<Undecomposed* const> to);
  void take(Mat lower, const ExtremeEigenvalues& spectrum);
  void take(const EigenDecompositionOf<Scalar>& eigen, const Undecomposed& from);
  static void solve_each(Each whiteners, Transpose trans, Side side, std::vector<Mat>& c);
  bool by_cholesky() const { return kept_variance_.empty(); }

  const LinearAlgebra<Scalar>* algebra_;
  Index size_ = 0;
  Index rank_ = 0;
  double condition_ = 1.0;
  double ridge_ = 0.0;
  Index undecided_ = 0;
  std::vector<Index> live_;
  std::vector<double> inverse_scale_;
  std::vector<double> kept_variance_;  // eigenvalues, with ridge; empty on the Cholesky route
  Mat basis_;                          // (live, rank) eigenvectors, or the lower Cholesky factor
};
using Whitener = WhitenerOf<double>;

// Two blocks to compare: `cross` is their scatter, divided by `degrees` the covariance.
template <class Scalar>
struct WhitenedPairOf {
  const WhitenerOf<Scalar>* rows;
  const WhitenerOf<Scalar>* cols;
  const MatrixOf<Scalar>* cross;
  double degrees;
};

// The covariances of whitened blocks, (rank of rows, rank of cols): their singular values are the
// canonical correlations.
template <class Scalar>
std::vector<MatrixOf<Scalar>> core_matrices(const LinearAlgebra<Scalar>& algebra,
                                            std::span<const WhitenedPairOf<Scalar>> pairs);

}  // namespace fastcca
