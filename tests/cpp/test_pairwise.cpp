// Pairs of blocks that were decomposed once, against the same pairs one by one.
#include <doctest/doctest.h>

#include <array>
#include <stdexcept>

#include "core/pairwise.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

Moments three_blocks(Index n) {
  const Dense x = random_matrix(n, 5, 1);
  const Dense y = random_matrix(n, 3, 2);
  Dense z = random_matrix(n, 4, 3);
  for (Index i = 0; i < n; ++i) {
    z(i, 0) = x(i, 0) + 0.5 * y(i, 1);
    z(i, 3) = 2.0;  // dead
  }
  return moments_of({x, y, z});
}

constexpr std::array<IndexPair, 5> kPairs{{{0, 1}, {1, 0}, {2, 0}, {1, 2}, {2, 2}}};

}  // namespace

TEST_CASE("pairwise: the same bits as one pair at a time, on any number of threads") {
  const Moments moments = three_blocks(60);
  for (const bool truncated : {false, true}) {
    const std::optional<Truncation> keep =
        truncated ? std::optional<Truncation>{{Truncation::By::kVariance, 0.8, 0}} : std::nullopt;
    for (const int threads : {1, 3}) {
      const PreparedBlocks blocks(moments, {{0, keep}, {1, keep}, {2, keep}}, 0.0, 0.0, threads);
      const auto found = blocks.cca(moments, kPairs, CcaParts::kWeights, threads);
      REQUIRE(found.size() == kPairs.size());
      for (std::size_t i = 0; i < kPairs.size(); ++i) {
        const auto [x, y] = kPairs[i];
        const CcaSolution one = solve_cca(moments, x, y, {0.0, true, keep, keep, 0.0});
        CHECK(found[i].correlations == one.correlations);
        CHECK(found[i].x.rank == one.x.rank);
        CHECK(found[i].y.kept == one.y.kept);
        CHECK(found[i].y.dead == one.y.dead);
        CHECK(to_host(*found[i].x.loadings).values == to_host(*one.x.loadings).values);
      }
    }
  }
}

TEST_CASE("pairwise: the sum of squares without correlations") {
  const Moments moments = three_blocks(60);
  const PreparedBlocks blocks(moments, {{0, {}}, {1, {}}, {2, {}}}, 0.0, 0.0, 2);
  const auto squares = blocks.cca(moments, kPairs, CcaParts::kSumOfSquares, 2);
  const auto whole = blocks.cca(moments, kPairs, CcaParts::kCorrelations, 2);
  for (std::size_t i = 0; i < kPairs.size(); ++i) {
    double sum = 0.0;
    for (const double rho : whole[i].correlations) {
      sum += rho * rho;
    }
    CHECK(squares[i].correlations.empty());
    CHECK(squares[i].sum_of_squares == doctest::Approx(sum).epsilon(1e-13));
    CHECK(whole[i].sum_of_squares == doctest::Approx(sum).epsilon(1e-15));
    CHECK(squares[i].x.rank == whole[i].x.rank);
    CHECK_FALSE(squares[i].x.weights.has_value());
  }
}

TEST_CASE("pairwise: regression of prepared blocks and other measures") {
  const Moments moments = three_blocks(60);
  const PreparedBlocks blocks(moments, {{0, {}}, {1, {}}, {2, {}}}, 0.0, 0.0, 2);
  const auto found = blocks.linear_regression(moments, kPairs, 2);
  const auto alignment = measure_pairs(moments, kPairs, linear_cka, 2);
  for (std::size_t i = 0; i < kPairs.size(); ++i) {
    const auto [x, y] = kPairs[i];
    CHECK(found[i].r2 == linear_regression(moments, x, y).r2);
    CHECK(alignment[i] == linear_cka(moments, x, y));
  }
  CHECK(found[0].r2 != found[1].r2);
}

TEST_CASE("pairwise: a state that has changed is refused, and so is a block that is not there") {
  Moments moments = three_blocks(60);
  const PreparedBlocks blocks(moments, {{0, {}}, {1, {}}}, 0.0, 0.0, 1);
  const std::array<IndexPair, 1> beyond{{{0, 2}}};
  CHECK_THROWS_AS(blocks.cca(moments, beyond, CcaParts::kCorrelations, 1), std::out_of_range);
  moments.merge(three_blocks(30));
  const std::array<IndexPair, 1> first{{{0, 1}}};
  CHECK_THROWS_AS(blocks.cca(moments, first, CcaParts::kCorrelations, 1), std::logic_error);
}

}  // namespace fastcca::testing
