// One block made ready for every comparison it takes part in: which units are alive, the rank that
// its input's precision supports, and a map to identity covariance. Built once per block.
#pragma once

#include <span>
#include <vector>

#include "core/covariance.hpp"
#include "core/principal_axes.hpp"
#include "core/units.hpp"

namespace fastcca {

template <class Scalar>
class WhitenerOf {
 public:
  using Mat = MatrixOf<Scalar>;

  WhitenerOf() = default;

  // Scales the block to unit variance, drops dead units, and keeps the directions whose variance
  // is above both the rounding noise of the input and that of the covariance itself. Cholesky
  // where every direction is safely above, eigenvectors otherwise. `ridge` is added to the
  // diagonal of the unit-scaled covariance after the rank was decided.
  WhitenerOf(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block,
             double ridge);

  // Whitens along some principal axes, in the block's own scale.
  WhitenerOf(const LinearAlgebra<Scalar>& algebra, const PrincipalAxesOf<Scalar>& axes,
             std::span<const Index> kept);

  // Whitens along axes (live, rank) of the unit-scaled live units, orthonormal, that have these
  // descending variances.
  WhitenerOf(const LinearAlgebra<Scalar>& algebra, Index size, std::vector<Index> live,
             std::vector<double> inverse_scale, Mat axes, std::vector<double> variances,
             double ridge);

  Index size() const { return size_; }
  Index rank() const { return basis_.cols(); }
  // The ratio of the largest singular value of the kept block to its smallest.
  double condition() const { return condition_; }
  // Directions that were dropped although the input's own precision could hold them: forming the
  // covariance has lost their digits.
  Index undecided() const { return undecided_; }
  const std::vector<Index>& live() const { return live_; }
  std::vector<Index> dead() const { return all_but(live_, size_); }
  // 1 / standard deviation of each live unit.
  const std::vector<double>& inverse_scale() const { return inverse_scale_; }

  // W' c, for c with one row per live unit, scaled by inverse_scale: (rank, cols of c).
  Mat whiten_rows(Mat c) const;
  // c W, for c with one column per live unit: (rows of c, rank).
  Mat whiten_columns(Mat c) const;
  // Weights over all units of the combinations u of whitened directions: (size, cols of u).
  Mat weights(Mat u) const;
  // Covariances of all units with the variates of those weights: (size, cols of u).
  Mat loadings(const Mat& u) const;
  // F (live, rank) with F F' = the kept covariance of the live units, in their own scale.
  Mat factor() const;

 private:
  bool whiten_by_cholesky(const Mat& correlation, std::span<const double> noise_of_units,
                          const rank_rule::Floors& floors);
  void whiten_by_axes(Mat axes, std::vector<double> variances);
  bool by_cholesky() const { return kept_variance_.empty(); }

  const LinearAlgebra<Scalar>* algebra_ = nullptr;
  Index size_ = 0;
  double condition_ = 1.0;
  double ridge_ = 0.0;
  Index undecided_ = 0;
  std::vector<Index> live_;
  std::vector<double> inverse_scale_;
  std::vector<double> kept_variance_;  // eigenvalues, with ridge; empty on the Cholesky route
  Mat basis_;                          // (live, rank) eigenvectors, or the lower Cholesky factor
};
using Whitener = WhitenerOf<double>;

// The covariances of two whitened blocks, (rank of x, rank of y): their singular values are the
// canonical correlations. `cross` (p, q) over `degrees` is the covariance of the blocks.
template <class Scalar>
MatrixOf<Scalar> core_matrix(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& x,
                             const WhitenerOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                             double degrees);

}  // namespace fastcca
