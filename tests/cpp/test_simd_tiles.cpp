// The products of an instruction set's unit, for every number of panels that a register tile can
// leave over. That of NEON is compiled everywhere: it is written in vectors that every target has.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cpu/simd.hpp"

namespace fastcca::testing {

namespace {

using simd::kDepth;
using simd::Level;

// Small multiples of a power of two: their products and sums are exact, in float as well.
template <class Real>
std::vector<Real> samples(std::int64_t count, std::int64_t step) {
  std::vector<Real> out;
  for (std::int64_t i = 0; i < count; ++i) {
    out.push_back(static_cast<Real>((i * step) % 17 - 8) / 4);
  }
  return out;
}

template <class Real>
double product_of(const Real* a, const Real* b, std::int64_t lanes, std::int64_t depth) {
  double out = 0.0;
  for (std::int64_t k = 0; k < depth; ++k) {
    out += static_cast<double>(a[k * lanes]) * static_cast<double>(b[k * lanes]);
  }
  return out;
}

// Entries that differ from what they were before by anything but the product of their features.
template <class Real, class Update>
std::int64_t wrong_entries(Update update, std::int64_t lanes, std::int64_t panels,
                           std::int64_t depth) {
  const auto a = samples<Real>(panels * kDepth * lanes, 7);
  const auto b = samples<Real>(kDepth * lanes, 5);
  const std::int64_t rows = panels * lanes;
  const std::int64_t gap = 3;  // rows of c that belong to nobody here
  const std::vector<double> before = samples<double>((rows + gap) * lanes, 3);
  std::vector<double> c = before;
  update(a.data(), panels, b.data(), depth, c.data(), rows + gap);
  std::int64_t wrong = 0;
  for (std::int64_t col = 0; col < lanes; ++col) {
    for (std::int64_t row = 0; row < rows + gap; ++row) {
      const auto at = static_cast<std::size_t>(col * (rows + gap) + row);
      double wanted = before[at];
      if (row < rows) {
        const Real* panel = a.data() + row / lanes * lanes * kDepth + row % lanes;
        wanted += product_of(panel, b.data() + col, lanes, depth);
      }
      wrong += c[at] == wanted ? 0 : 1;
    }
  }
  return wrong;
}

void check(const Level& level) {
  CAPTURE(std::string(level.name));
  for (std::int64_t panels = 1; panels <= 20; ++panels) {
    CAPTURE(panels);
    for (const std::int64_t depth : {std::int64_t{1}, simd::kSingleRun - 1, simd::kSingleRun,
                                     simd::kSingleRun + 1, kDepth - 1, kDepth}) {
      CAPTURE(depth);
      CHECK(wrong_entries<double>(level.doubles.update, level.doubles.lanes, panels, depth) == 0);
      CHECK(wrong_entries<float>(level.singles.update, level.singles.lanes, panels, depth) == 0);
    }
  }
}

}  // namespace

TEST_SUITE_BEGIN("simd tiles");

TEST_CASE("every number of panels, at the instruction set of this run") { check(simd::level()); }

TEST_CASE("every number of panels, by NEON's unit") { check(simd::kNeon); }

TEST_SUITE_END();

}  // namespace fastcca::testing
