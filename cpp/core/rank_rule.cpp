#include "core/rank_rule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace fastcca::rank_rule {

namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();
constexpr double kTiny = std::numeric_limits<double>::min();

// How many roundings of the input a direction must stand above. Noise directions of real layers
// lie between 0.2 and 1.1, real ones far above.
constexpr double kNoiseFactor = 3.0;

// How many roundings of the products the smallest eigenvalue of a covariance may be made of.
constexpr double kProductFactor = 64.0;

}  // namespace

double noise_variance(double energy, double input_epsilon) {
  const double noise = kNoiseFactor * input_epsilon;
  return std::max(noise * noise * energy, kTiny);
}

std::vector<Index> live_units(std::span<const double> variances, std::span<const double> energy,
                              double input_epsilon) {
  std::vector<Index> out;
  for (std::size_t j = 0; j < variances.size(); ++j) {
    if (!std::isfinite(variances[j])) {
      throw std::invalid_argument("the variance of feature " + std::to_string(j) +
                                  " overflows float64; divide the data by a constant");
    }
    if (variances[j] > noise_variance(energy[j], input_epsilon)) {
      out.push_back(static_cast<Index>(j));
    }
  }
  return out;
}

std::vector<double> unit_noise(std::span<const Index> live, std::span<const double> variances,
                               std::span<const double> energy, double input_epsilon) {
  std::vector<double> out;
  for (const Index j : live) {
    const auto k = static_cast<std::size_t>(j);
    out.push_back(noise_variance(energy[k] / variances[k], input_epsilon));
  }
  return out;
}

double covariance_floor(std::size_t p, double product_epsilon) {
  // The rounding of products in single precision is far above that of what is done with them, which
  // grows with p, and does not grow with p itself: it is as random as the samples, and more of them
  // go with more features.
  return std::max(factor_floor(p), kProductFactor * product_epsilon);
}

double factor_floor(std::size_t p) {
  return kEps * static_cast<double>(std::max<std::size_t>(p, 64));
}

}  // namespace fastcca::rank_rule
