// The directions of one block, how much its samples vary along each, and which of them are data.
#pragma once

#include <span>
#include <vector>

#include "core/backend.hpp"
#include "core/rank_rule.hpp"

namespace fastcca {

template <class Scalar>
struct SpectrumOf {
  std::vector<double> variances;  // descending
  rank_rule::Decision rank;       // among them
  MatrixOf<Scalar> vectors;       // (live, k) orthonormal
  std::vector<Index> columns;     // of `vectors`, one for each variance

  // The directions of some of the variances, a column each.
  MatrixOf<Scalar> axes(const LinearAlgebra<Scalar>& algebra, std::span<const Index> some) const;
  std::vector<double> kept_variances() const;
};

// Decomposes the covariance of live units. `noise_of_units` is that of the input, in the scale of
// the covariance.
template <class Scalar>
SpectrumOf<Scalar> spectrum_of_covariance(const LinearAlgebra<Scalar>& algebra,
                                          MatrixOf<Scalar> covariance,
                                          std::span<const double> noise_of_units,
                                          const rank_rule::Floors& floors);

// Decomposes columns whose products with each other are that covariance, and keeps their digits.
struct FactorSpectrum {
  SpectrumOf<double> directions;
  std::vector<double> singular_values;  // the roots of the variances
  Matrix u;                             // (rows, k), orthonormal: the columns along each direction
};
FactorSpectrum spectrum_of_factor(const LinearAlgebra<double>& algebra, Matrix columns,
                                  std::span<const double> noise_of_units,
                                  const rank_rule::Floors& floors);

}  // namespace fastcca
