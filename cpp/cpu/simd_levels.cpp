#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpu/simd.hpp"

namespace fastcca::simd {

namespace {

std::vector<const Level*> supported_levels() {
  std::vector<const Level*> out{&kBaseline};
#ifdef FASTCCA_X86_SIMD
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    out.push_back(&kAvx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      out.push_back(&kAvx512);
    }
  }
#endif
#ifdef FASTCCA_ARM_SIMD
  out.push_back(&kNeon);
#endif
  return out;
}

const Level& choose() {
  const auto levels = supported_levels();
  const char* asked_for = std::getenv("FASTCCA_SIMD");
  if (asked_for == nullptr || *asked_for == '\0') {
    return *levels.back();
  }
  std::string names;
  for (const Level* candidate : levels) {
    if (std::string(asked_for) == candidate->name) {
      return *candidate;
    }
    names += (names.empty() ? "" : ", ") + std::string(candidate->name);
  }
  throw std::invalid_argument("FASTCCA_SIMD='" + std::string(asked_for) +
                              "' is not a level of this machine; it has " + names);
}

}  // namespace

const Level& level() {
  static const Level& chosen = choose();
  return chosen;
}

}  // namespace fastcca::simd
