// One block made ready for every comparison it takes part in: which units are alive, the rank that
// its input's precision supports, and a map to identity covariance. Built once per block.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/block.hpp"

namespace fastcca {

// Whether any unit varies by more than the rounding of its values.
template <class Scalar>
bool varies(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block);

template <class Scalar>
std::vector<Index> dead_units(const LinearAlgebra<Scalar>& algebra,
                              const BlockCovarianceOf<Scalar>& block);

// Principal axes of a block in its own scale.
template <class Scalar>
struct PrincipalAxesOf {
  std::vector<double> variances;  // of the live units, descending, 0 or more
  MatrixOf<Scalar> axes;          // (p, live), a column per variance, dead units exactly 0
  std::vector<Index> real;        // axes whose variance is more than rounding, in their order
  Index undecided = 0;            // others that the covariance has lost, as of WhitenerOf
};
using PrincipalAxes = PrincipalAxesOf<double>;

template <class Scalar>
PrincipalAxesOf<Scalar> principal_axes(const LinearAlgebra<Scalar>& algebra,
                                       const BlockCovarianceOf<Scalar>& block);

// How many leading principal axes to keep.
struct Truncation {
  enum class By : std::uint8_t { kVariance, kSingularValues, kCount };
  By by = By::kVariance;
  double share = 1.0;  // of the summed variances, or singular values, of the axes that are real
  Index count = 0;
};

// Whether a truncation would keep more than so many real axes, were there more.
bool wants_more(const Truncation& truncation, Index real);

// Of the axes that are more than rounding, as many as reach the share, the one that does included.
template <class Scalar>
std::vector<Index> kept_axes(const PrincipalAxesOf<Scalar>& axes, const Truncation& truncation);

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
  // Weights over all units of the combinations u of whitened directions: (size, cols of u).
  Mat weights(Mat u) const;
  // Covariances of all units with the variates of those weights: (size, cols of u).
  Mat loadings(const Mat& u) const;
  // F (live, rank) with F F' = the kept covariance of the live units, in their own scale.
  Mat factor() const;

 private:
  void decompose(Mat correlation, const BlockCovarianceOf<Scalar>& block);

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

// The covariance of two whitened blocks, (rank of rows, rank of cols): its singular values are the
// canonical correlations. `cross` is their scatter, divided by `degrees` the covariance.
template <class Scalar>
MatrixOf<Scalar> core_matrix(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& rows,
                             const WhitenerOf<Scalar>& cols, const MatrixOf<Scalar>& cross,
                             double degrees);

}  // namespace fastcca
