#include "core/accumulation_rules.hpp"

#include <algorithm>
#include <cmath>

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
  for (std::size_t j = 0; j < found.sums.size(); ++j) {
    const double squares = found.squares[j];
    if (squares == 0.0) {
      continue;
    }
    const bool in_range = squares <= kMost && squares >= kLeast * n;  // not for NaN
    if (!in_range) {
      return false;
    }
    const double sum = found.sums[j] * found.scale[j];
    const double constant = kConstant * found.shift[j] * found.scale[j];
    if (sum * sum > 0.2 * n * squares && squares > n * constant * constant) {
      return false;
    }
  }
  return true;
}

}  // namespace fastcca
