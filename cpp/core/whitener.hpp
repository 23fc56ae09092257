// One block made ready for every comparison it takes part in: which units are alive, the rank that
// its input's precision supports, and a map to identity covariance. Built once per block.
#pragma once

#include <span>
#include <vector>

#include "core/backend.hpp"
#include "core/moments.hpp"

namespace fastcca {

// What a rank decision needs to know of a block: its covariance and how its values were rounded.
struct BlockCovariance {
  const Matrix* scatter = nullptr;  // (p, p) symmetric; divided by `degrees` it is the covariance
  double degrees = 1.0;
  std::span<const double> mean;  // (p,)
  double input_epsilon = 0x1p-52;
};

BlockCovariance covariance_of(const Moments& moments, Index block);

class Whitener {
 public:
  // Scales the block to unit variance, drops dead units, and keeps the directions whose variance
  // is above both the rounding noise of the input and that of the covariance itself. Cholesky
  // where every direction is safely above, eigenvectors otherwise. `ridge` is added to the
  // diagonal of the unit-scaled covariance after the rank was decided.
  Whitener(const Backend& backend, const BlockCovariance& block, double ridge);

  Index size() const { return size_; }
  Index rank() const { return rank_; }
  // Of the unit-scaled kept block: the ratio of its largest to its smallest singular value.
  double condition() const { return condition_; }
  const std::vector<Index>& live() const { return live_; }
  std::vector<Index> dead() const;
  // 1 / standard deviation of each live unit.
  const std::vector<double>& inverse_scale() const { return inverse_scale_; }

  // W' c, for c with one row per live unit, scaled to unit variance: (rank, cols of c).
  Matrix whiten_rows(Matrix c) const;
  // c W, for c with one column per live unit: (rows of c, rank).
  Matrix whiten_columns(Matrix c) const;
  // Weights over all units of the combinations u of whitened directions: (size, cols of u).
  Matrix weights(Matrix u) const;
  // F (live, rank) with F F' = the kept covariance of the live units, in their own scale.
  Matrix factor() const;

 private:
  void find_live(const BlockCovariance& block);
  void decompose(Matrix correlation, const BlockCovariance& block, double ridge);

  const Backend* backend_;
  Index size_ = 0;
  Index rank_ = 0;
  double condition_ = 1.0;
  std::vector<Index> live_;
  std::vector<double> inverse_scale_;
  std::vector<double> kept_variance_;  // eigenvalues, with ridge; empty on the Cholesky route
  Matrix basis_;                       // (live, rank) eigenvectors, or the lower Cholesky factor
};

// The covariance of two whitened blocks, (rank_x, rank_y): its singular values are the canonical
// correlations. `cross` is the (p, q) scatter, divided by `degrees` the covariance.
Matrix core_matrix(const Backend& backend, const Whitener& x, const Whitener& y,
                   const Matrix& cross, double degrees);

}  // namespace fastcca
