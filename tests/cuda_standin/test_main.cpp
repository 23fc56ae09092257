#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "child.hpp"

int main(int argc, char** argv) {
  if (standin::testing::run_named_case(argc, argv)) return 0;
  return doctest::Context(argc, argv).run();
}
