// CKA from the unbiased estimator of HSIC (Song et al. 2012), in feature space.
#pragma once

#include <vector>

#include "core/moments.hpp"

namespace fastcca {

// Beside the moments of both blocks the estimator needs sums over samples of |x|^4, |x|^2 |y|^2 and
// |y|^4 around the means of all samples: a second pass.
class DebiasedCka {
 public:
  // Of at least 4 samples. Keeps what it needs of the moments.
  DebiasedCka(const Moments& moments, Index x, Index y);

  // Adds samples, each of those in the moments once, on up to `threads` threads, 0 for the default.
  void add(const ArrayView& x, const ArrayView& y, int threads);
  // 0 where a block does not vary. Throws before all samples were added.
  double value() const;

  const Backend& backend() const { return *backend_; }

 private:
  // A block in a scale in which no fourth power leaves the range of float64.
  struct Scaled {
    std::vector<double> mean;
    std::vector<double> factor;  // that power of two for live units, 0 for dead ones
    double total = 0.0;          // sum over samples of |x|^2
  };
  static Scaled scaled(const Moments& moments, Index block);
  std::vector<double> squared_distances(const ArrayView& view, Index row, Index count,
                                        const Scaled& of) const;

  struct Sums {
    double xx = 0.0;
    double xy = 0.0;
    double yy = 0.0;
  };
  const Backend* backend_;
  Index n_;
  Index seen_ = 0;
  Scaled x_;
  Scaled y_;
  Sums norms_;    // of the scatters
  Sums fourths_;  // over samples, of products of |x|^2 and |y|^2
};

}  // namespace fastcca
