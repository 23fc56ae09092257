// What checked calls of LAPACK have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "core/errors.hpp"
#include "core/types.hpp"
#include "cpu/unwritten.hpp"

namespace fastcca::lapack_calls {

inline int to_int(Index value, const std::string& routine) {
  if (value > std::numeric_limits<int>::max()) {
    throw std::length_error("a matrix dimension of " + std::to_string(value) +
                            " is beyond the 32-bit interface of LAPACK's " + routine);
  }
  return static_cast<int>(value);
}

// The size of a workspace, as a routine reports it.
inline int workspace(double reported, const std::string& routine) {
  if (reported > static_cast<double>(std::numeric_limits<int>::max())) {
    throw std::length_error("the workspace of LAPACK's " + routine +
                            " for a matrix of this size is beyond its 32-bit interface; reduce the "
                            "features first (pooling, a random projection)");
  }
  return std::max(static_cast<int>(reported), 1);
}

inline int workspace(const Complex& reported, const std::string& routine) {
  return workspace(reported.real(), routine);
}

// What Fortran takes of an argument: where it is. It knows no const, and writes only to the
// arguments that it documents as output.
template <class T>
T* address(T& value) {
  return &value;
}
template <class T>
T* address(T*& array) {
  return array;
}
template <class T>
T* address(const T*& array) {
  return const_cast<T*>(array);
}

// Calls a routine with copies of the numbers and letters, and with the arrays themselves.
template <class Routine, class... Arguments>
void call(Routine* routine, Arguments... arguments) {
  routine(address(arguments)...);
}

inline int leading(int rows) { return std::max(rows, 1); }

template <class T>
std::vector<T> array(int size) {
  const auto count = static_cast<std::size_t>(size);
  if constexpr (std::is_integral_v<T>) {
    return std::vector<T>(count);
  } else {
    return workspace_of<T>(count);
  }
}

// run(work, size) asks a routine for the size of its workspace where that is -1, and runs it where
// it is not; `more` is what the routine forgets to ask for.
template <class Scalar, class Run>
void run_with_workspace(const std::string& routine, Run run, double more = 0.0) {
  Scalar reported = 0.0;
  run(&reported, -1);
  const int size = workspace(reported + more, routine);
  run(array<Scalar>(size).data(), size);
}

[[noreturn]] inline void fail(const std::string& routine, int info) {
  throw DecompositionError("LAPACK's " + routine + " failed with info = " + std::to_string(info) +
                           "; please report this with the data that causes it");
}

}  // namespace fastcca::lapack_calls
