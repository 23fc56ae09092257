#pragma once

#include <stdexcept>

namespace fastcca {

// A decomposition that failed on every route. Python sees numpy.linalg.LinAlgError.
class DecompositionError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace fastcca
