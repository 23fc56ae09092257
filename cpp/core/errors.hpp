#pragma once

#include <stdexcept>

namespace fastcca {

// A decomposition that failed on every route. Python sees numpy.linalg.LinAlgError.
class DecompositionError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Data whose squares leave the range of float64. Multiplied by a constant they can be compared.
class ScaleError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

}  // namespace fastcca
