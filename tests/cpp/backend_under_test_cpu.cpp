#include "cpu/cpu_backend.hpp"
#include "cpu/simd.hpp"
#include "data.hpp"
#include "linked_lapack.hpp"

namespace fastcca::testing {

const Backend& backend() {
  static const auto instance = make_cpu_backend(linked_lapack());
  return *instance;
}

std::string description_of_backend() {
  return std::string("instruction set: ") + simd::level().name;
}

Index samples_per_check() { return simd::kDepth; }

Index single_run() { return simd::kSingleRun; }

}  // namespace fastcca::testing
