// What decompositions are made of: the covariance of one block, and the pair to compare.
#pragma once

#include <optional>
#include <vector>

#include "core/backend.hpp"
#include "core/moments.hpp"

namespace fastcca {

// The covariance of a block, and what a rank decision needs to know of how its values were rounded.
template <class Scalar>
struct BlockCovarianceOf {
  const MatrixOf<Scalar>* scatter = nullptr;  // (p, p) symmetric; over `degrees` the covariance
  double degrees = 1.0;
  // (p,) mean square of every unit, mean included: values are rounded in proportion to it.
  std::vector<double> energy;
  double input_epsilon = 0x1p-52;
  double product_epsilon = 0x1p-52;  // relative rounding of the products behind the scatter
  // Directions of at most this share of the largest standard deviation are dropped as well.
  double rank_tolerance = 0.0;
};
using BlockCovariance = BlockCovarianceOf<double>;

BlockCovariance covariance_of(const Moments& moments, Index block);

// Complex samples are accumulated as two real blocks, their real and imaginary parts.
struct ComplexBlock {
  Index real = 0;
  std::optional<Index> imaginary;  // absent: the samples are real
};

// Two blocks to compare. The state holds the cross scatter of every pair in one orientation only:
// rows belong to the block that was given last, and `swapped` says that this is y.
template <class Scalar>
struct BlockPairOf {
  BlockCovarianceOf<Scalar> rows;
  BlockCovarianceOf<Scalar> cols;
  const MatrixOf<Scalar>* cross = nullptr;  // (rows, cols)
  bool swapped = false;

  double degrees() const { return rows.degrees; }
};
using BlockPair = BlockPairOf<double>;

BlockPair pair_of(const Moments& moments, Index x, Index y);

// The complex scatter matrices of a pair, and the pair that refers to them.
class ComplexPair {
 public:
  // `x_energy` and `y_energy`, where given, replace what the samples say: values that come out of
  // a transform carry rounding in proportion to its whole input.
  ComplexPair(const Moments& moments, const ComplexBlock& x, const ComplexBlock& y,
              std::optional<std::vector<double>> x_energy,
              std::optional<std::vector<double>> y_energy);
  BlockPairOf<Complex> pair() const;

  // About what the matrices of a pair take while it is solved.
  static Index bytes(const Moments& moments, const ComplexBlock& x, const ComplexBlock& y);

 private:
  ComplexMatrix xx_, xy_, yy_;
  double degrees_;
  std::vector<double> x_energy_, y_energy_;
  double x_epsilon_, y_epsilon_, product_epsilon_;
};

}  // namespace fastcca
