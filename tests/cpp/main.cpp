// Runs the tests: on the CPU at the instruction set that FASTCCA_SIMD names, or the widest one.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <stdexcept>

#include "data.hpp"

namespace {

constexpr int kSkipped = 77;  // what CMakeLists.txt names as SKIP_RETURN_CODE

}  // namespace

int main(int argc, char** argv) {
  try {
    std::printf("%s\n", fastcca::testing::description_of_backend().c_str());
  } catch (const std::invalid_argument& error) {
    std::printf("SKIPPED, nothing was run: %s\n", error.what());
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
