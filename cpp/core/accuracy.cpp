#include "core/accuracy.hpp"

#include <algorithm>
#include <cmath>

namespace fastcca {

bool loses_digits(double condition, double input_epsilon) {
  const double error = 10.0 * condition * condition * 0x1p-52;
  return !std::isfinite(condition) || error > std::max(1e-10, 0.1 * condition * input_epsilon);
}

}  // namespace fastcca
