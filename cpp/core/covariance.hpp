// What decompositions are made of: the covariance of one block of samples, real or complex.
#pragma once

#include <optional>
#include <vector>

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

// Samples less the one that the mean takes. Throws where nothing is left to compare.
double degrees_of_freedom(Index n_samples);

BlockCovariance covariance_of(const Moments& moments, Index block);

// Complex samples are accumulated as two real blocks, their real and imaginary parts.
struct ComplexBlock {
  Index real = 0;
  std::optional<Index> imaginary;  // absent: the samples are real
};

// conj(x)' y of centred complex samples, (p, q), from the scatter of their parts.
ComplexMatrix complex_scatter(const Moments& moments, const ComplexBlock& x, const ComplexBlock& y);

// `energy`, where given, replaces what the samples say: values that come out of a transform carry
// rounding in proportion to its whole input.
BlockCovarianceOf<Complex> covariance_of(const Moments& moments, const ComplexBlock& block,
                                         const ComplexMatrix& scatter,
                                         const std::optional<std::vector<double>>& energy = {});

}  // namespace fastcca
