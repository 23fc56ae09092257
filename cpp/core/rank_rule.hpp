// Which units and directions of a block are data, and which are the rounding of its values.
#pragma once

#include <optional>
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

// What a direction must stand above besides the noise of the input, in shares of the largest
// variance of the block.
struct Floors {
  double lost;      // what is below this, the computation of the variances has lost
  double unwanted;  // what is not above this, the square of the rank tolerance, is not asked for
  // Relative rounding of the products that a covariance was formed by; nothing for a factor, in
  // which every direction shows that the input can hold.
  std::optional<double> product_epsilon;

  double highest() const;
};
Floors floors_of_covariance(std::size_t p, double product_epsilon, double rank_tolerance);
Floors floors_of_factor(std::size_t p, double rank_tolerance);

// Which of some directions are data, by their place, and how many of the others are undecided:
// the input's own precision could hold them, and forming the covariance has lost their digits.
struct Decision {
  std::vector<Index> kept;
  Index undecided = 0;
};

// The rank decision of every route. `variances` descend, and `noise` is that of the input along
// each direction.
Decision decide(std::span<const double> variances, std::span<const double> noise,
                const Floors& floors);

// Whether it keeps every direction of a block, by a margin, whatever the directions are: all that
// is known are the ends of its spectrum and the noise of its units.
bool keeps_all(double smallest, double largest, std::span<const double> noise_of_units,
               const Floors& floors);

// Whether squaring the condition costs digits that the data hold. The error of a route through
// covariances or a Gram matrix is about 10 kappa^2 eps; that of the data themselves, from the
// rounding of their values, about 0.1 kappa eps(input).
bool loses_digits(double condition, double input_epsilon);

}  // namespace fastcca::rank_rule
