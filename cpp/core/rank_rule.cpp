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

// How far above the floor no direction is in doubt.
constexpr double kSafety = 4.0;

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

double Floors::highest() const { return std::max(lost, unwanted); }

Floors floors_of_covariance(std::size_t p, double product_epsilon, double rank_tolerance) {
  return {covariance_floor(p, product_epsilon), rank_tolerance * rank_tolerance, product_epsilon};
}

Floors floors_of_factor(std::size_t p, double rank_tolerance) {
  const double lost = factor_floor(p);
  return {lost * lost, rank_tolerance * rank_tolerance, std::nullopt};
}

Decision decide(std::span<const double> variances, std::span<const double> noise,
                const Floors& floors) {
  Decision out;
  const double largest = variances.empty() ? 0.0 : std::max(variances.front(), 0.0);
  const double floor = floors.highest() * largest;
  // Only where no more was dropped on demand than the covariance has lost.
  const bool doubtful = floors.product_epsilon && floors.unwanted <= floors.lost;
  for (std::size_t k = 0; k < variances.size(); ++k) {
    if (variances[k] > std::max(noise[k], floor)) {
      out.kept.push_back(static_cast<Index>(k));
    } else if (doubtful && (variances[k] > noise[k] ||
                            noise[k] < floors.product_epsilon.value_or(0.0) * largest)) {
      ++out.undecided;  // above the noise of the input, or below what a covariance can show
    }
  }
  return out;
}

bool keeps_all(double smallest, double largest, std::span<const double> noise_of_units,
               const Floors& floors) {
  const double noise = *std::max_element(noise_of_units.begin(), noise_of_units.end());
  return smallest > kSafety * std::max(noise, floors.highest() * largest);
}

bool loses_digits(double condition, double input_epsilon) {
  const double error = 10.0 * condition * condition * kEps;
  return !std::isfinite(condition) || error > std::max(1e-10, 0.1 * condition * input_epsilon);
}

}  // namespace fastcca::rank_rule
