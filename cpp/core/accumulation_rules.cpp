#include "core/accumulation_rules.hpp"

#include <algorithm>
#include <cmath>

#include "core/host_vectors.hpp"

namespace fastcca {

double single_scale(double largest_deviation) {
  if (largest_deviation > 0.0 && std::isfinite(largest_deviation)) {
    return std::ldexp(1.0, std::clamp(-std::ilogb(largest_deviation), -1000, 1000));
  }
  return 1.0;
}

bool fits_single(const SingleTotals& found, Index rows) {
  constexpr double kMost = 0x1p120;
  constexpr double kLeast = 0x1p-100;    // of a mean square: its rounding is 2^-149 at most
  constexpr double kConstant = 0x1p-48;  // deviation of a constant: what is left of its shift
  const double n = static_cast<double>(rows);
  const auto squares = array(found.squares);
  const auto sums = array(found.sums) * array(found.scale);
  const auto constants = kConstant * array(found.shift) * array(found.scale);
  const auto in_range = squares <= kMost && squares >= kLeast * n;  // not for NaN
  const auto off_centre = sums.square() > 0.2 * n * squares && squares > n * constants.square();
  return (squares == 0.0 || (in_range && !off_centre)).all();
}

}  // namespace fastcca
