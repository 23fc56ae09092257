// Measures of one block against the rearranged samples of another.
//
// What belongs to a block alone, its rank, its whitening, its scale, does not change when samples
// are rearranged, so it is computed once. What is left of a permutation is one product, or with
// fewer samples than features the inner product of two Gram matrices. Both classes here may be
// asked from several threads at once.
#pragma once

#include <span>
#include <vector>

#include "core/sample_coordinates.hpp"

namespace fastcca {

// What changes places: `samples` lists the samples of one unit after those of the other, all of
// `size` samples.
struct PermutedUnits {
  std::vector<Index> samples;
  Index size = 1;

  // The places in that list, where units come in another order.
  std::vector<Index> places(std::span<const Index> order) const;
};

// What is taken of the product (k_x, k_y) of two blocks.
enum class ProductStatistic : std::uint8_t {
  kSumOfSquares,
  // Sum of singular values by roots of eigenvalues: each to 1e-8 of the first, in half the time of
  // an SVD.
  kNuclearNorm,
  // Sum of singular values by the projection weights of x.
  kWeightedByX,
  // Sum of singular values by the mean of the projection weights of both blocks.
  kWeightedByBoth,
};

class PermutedProducts {
 public:
  // Coordinates are multiplied by the scale of their block. `loadings` (p, k_x) and (q, k_y) are
  // what projection weights are made of, where these are asked for.
  struct Block {
    const SampleCoordinates* coordinates;
    double scale;
    Matrix loadings;
  };
  PermutedProducts(Block x, Block y, PermutedUnits units, ProductStatistic statistic);

  // Of x with the units of y in another order.
  double value(std::span<const Index> order) const;

 private:
  double weighted_sum(const Matrix& product) const;

  const Backend* backend_;
  PermutedUnits units_;
  ProductStatistic statistic_;
  std::vector<Matrix> x_;  // (k_x, some samples) each
  Matrix y_;               // (k_y, n)
  Matrix x_loadings_;
  Matrix y_loadings_;
};

// CKA from the inner products (n, n) of the centred samples of two blocks.
class PermutedGrams {
 public:
  PermutedGrams(const Backend& backend, const Matrix& x, const Matrix& y, PermutedUnits units);
  double value(std::span<const Index> order) const;

 private:
  const Backend* backend_;
  PermutedUnits units_;
  bool both_vary_;
  std::vector<Matrix> x_;  // (n, some samples) each, of norm 1 together
  Matrix y_;               // of norm 1
};

}  // namespace fastcca
