// Which units and directions of a block are data, and which are the rounding of its values.
#pragma once

#include <span>
#include <vector>

#include "core/types.hpp"

namespace fastcca::rank_rule {

// Variance below which a unit, or a direction, is rounding of its input: values are rounded in
// proportion to their size, so it goes with their mean square, the mean included. Never less than
// what a square can hold with all its digits.
double noise_variance(double energy, double input_epsilon);

// Units that vary by more than that, and by enough for a square to hold all its digits; `variances`
// and `energy` are (p,). Throws where a variance is not finite.
std::vector<Index> live_units(std::span<const double> variances, std::span<const double> energy,
                              double input_epsilon);

// The noise of each live unit once it is scaled to unit variance.
std::vector<double> unit_noise(std::span<const Index> live, std::span<const double> variances,
                               std::span<const double> energy, double input_epsilon);

// Below this share of the largest eigenvalue, forming the covariance of p features by products of
// that relative rounding has lost the direction.
double covariance_floor(std::size_t p, double product_epsilon);

// Below this share of the largest singular value, a QR or SVD of p columns has.
double factor_floor(std::size_t p);

}  // namespace fastcca::rank_rule
