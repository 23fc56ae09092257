// Moments of chosen pairs of blocks: what is kept has the bits of the whole, and the rest is not
// computed.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "cpu/accumulate.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

struct Case {
  Index n;
  std::vector<Index> widths;
  std::vector<IndexPair> pairs;
};

// Narrow on one range of samples and on several, wide; blocks of less than a panel and of several
// tiles, wanted side by side and apart.
const Case kCases[] = {{300, {7, 20, 33}, {{0, 2}}},
                       {9000, {40, 3, 60, 17}, {{1, 0}, {3, 1}, {2, 2}}},
                       {9000, {40, 3, 60, 17}, {}},
                       {600, {300, 250, 9, 31}, {{0, 1}, {0, 3}}},
                       {600, {100, 200, 300, 50, 450}, {{4, 0}, {2, 1}, {1, 0}, {3, 4}}}};

std::vector<Samples> samples_of(const Case& c, DType dtype) {
  std::vector<Samples> out;
  for (const Index width : c.widths) {
    out.push_back(random_samples(c.n, width, dtype, static_cast<unsigned>(3 + out.size())));
  }
  return out;
}

std::vector<ArrayView> views_of(const std::vector<Samples>& samples) {
  std::vector<ArrayView> out;
  for (const Samples& block : samples) {
    out.push_back(block.view);
  }
  return out;
}

bool is_empty(const Matrix& a) { return a.rows() == 0 && a.cols() == 0; }

void check_part(const BatchMoments& part, const BatchMoments& whole, const KeptPairs& kept) {
  REQUIRE(part.scatter.size() == whole.scatter.size());
  CHECK(part.n == whole.n);
  for (std::size_t i = 0; i < whole.scatter.size(); ++i) {
    CHECK(same_bits(part.means[i], whole.means[i]));
    REQUIRE(part.scatter[i].size() == i + 1);
    for (std::size_t j = 0; j <= i; ++j) {
      CAPTURE(i);
      CAPTURE(j);
      const Matrix& tile = part.scatter[i][j];
      CHECK(is_empty(tile) == !kept(i, j));
      if (kept(i, j)) {
        CHECK(same_bits(to_host(tile).values, to_host(whole.scatter[i][j]).values));
      }
    }
  }
}

const std::vector<std::string> kNames{"a", "b", "c"};

void add(Moments& moments, unsigned seed, const std::vector<IndexPair>& pairs) {
  std::vector<Samples> samples;
  for (const Index width : {4, 9, 2}) {
    samples.push_back(
        random_samples(50, width, DType::kFloat32, seed + static_cast<unsigned>(width)));
  }
  moments.update(kNames, views_of(samples), 0, KeptPairs(3, pairs));
}

Moments state_of(unsigned seed, const std::vector<IndexPair>& pairs) {
  Moments out(backend());
  add(out, seed, pairs);
  return out;
}

const std::vector<IndexPair> kAll{{0, 1}, {0, 2}, {1, 2}};
const std::vector<IndexPair> kSome{{2, 0}, {1, 0}};

// Says where `part` differs from `whole` in what it keeps.
void check_part(const Moments& part, const Moments& whole) {
  for (const auto& [i, j] : {IndexPair{0, 0}, {1, 1}, {2, 2}, {1, 0}, {2, 0}}) {
    CAPTURE(i);
    CAPTURE(j);
    CHECK(same_bits(to_host(part.scatter(i, j)).values, to_host(whole.scatter(i, j)).values));
  }
  CHECK(same_bits(part.block(1).mean, whole.block(1).mean));
}

}  // namespace

TEST_SUITE_BEGIN("kept pairs");

TEST_CASE("pairs in any order, and every block with itself") {
  const KeptPairs some(4, {{2, 0}, {1, 3}, {0, 2}});
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      const bool chosen = i == j || (i + j == 2 && i != j) || (i + j == 4 && i != j);
      CHECK(some(i, j) == chosen);
      CHECK(KeptPairs()(i, j));
    }
  }
  CHECK(!some.all());
  CHECK(some == KeptPairs(4, {{3, 1}, {0, 2}}));
  CHECK(some != KeptPairs(4, {{3, 1}, {0, 1}}));
  CHECK(KeptPairs(3, kAll) == KeptPairs());
  CHECK(KeptPairs(1, {}).all());
  CHECK_THROWS_AS(KeptPairs(2, {{0, 2}}), std::out_of_range);
  CHECK_THROWS_AS(KeptPairs(2, {{-1, 1}}), std::out_of_range);
}

TEST_CASE("what is wanted has the bits of the whole, on any number of threads") {
  for (const Case& c : kCases) {
    CAPTURE(c.n);
    CAPTURE(c.widths.size());
    const auto samples = samples_of(c, DType::kFloat32);
    const auto views = views_of(samples);
    const KeptPairs wanted(static_cast<Index>(views.size()), c.pairs);
    const BatchMoments whole = backend().accumulate(views, {}, 1);
    const BatchMoments whole_single = backend().accumulate_single(views, {}, 1);
    for (const int threads : {1, 2, 5}) {
      CAPTURE(threads);
      check_part(backend().accumulate(views, wanted, threads), whole, wanted);
      check_part(backend().accumulate_single(views, wanted, threads), whole_single, wanted);
    }
  }
}

TEST_CASE("there is no place for products of other pairs") {
  const Case c{300, {64, 64, 64, 64}, {{0, 1}}};
  const auto samples = samples_of(c, DType::kFloat64);
  const auto views = views_of(samples);
  const PackedMoments packed = accumulate_packed(views, KeptPairs(4, c.pairs), 1);
  CHECK(packed.tiles.size() == 5 * 64 * 64);
}

TEST_CASE("batches and merges of chosen pairs are those of all") {
  Moments part = state_of(1, kSome);
  Moments whole = state_of(1, kAll);
  CHECK(!part.kept().all());
  add(part, 2, kSome);
  add(whole, 2, kAll);
  check_part(part, whole);
  part.merge(state_of(3, kSome));
  whole.merge(state_of(3, kAll));
  check_part(part, whole);
  Moments empty(backend());
  empty.merge(part);
  CHECK(empty.kept() == part.kept());
  check_part(empty, whole);
  const Moments copy = part.clone();
  check_part(copy, whole);
  CHECK(contains(refusal<std::exception>([&] { copy.scatter(2, 1); }), "no pair of c and b"));
  CHECK(copy.scatter(2, 0).rows() == 2);
}

TEST_CASE("other pairs are turned away, and the state stays what it was") {
  Moments part = state_of(1, kSome);
  const Matrix before = backend().copy(part.scatter(2, 0));
  const auto check_refusal = [&](const std::string& told) {
    CHECK(contains(told, "the other alone keeps b and c;"));
    CHECK(contains(told, "this state alone keeps a and b"));
    CHECK(part.n_samples() == 50);
    CHECK(same_bits(to_host(part.scatter(2, 0)).values, to_host(before).values));
  };
  const std::vector<IndexPair> other{{0, 2}, {1, 2}};
  check_refusal(refusal<std::exception>([&] { add(part, 2, other); }));
  check_refusal(refusal<std::exception>([&] { part.merge(state_of(2, other)); }));
}

TEST_CASE("a stored state of chosen pairs comes back") {
  const Moments part = state_of(1, kSome);
  const auto restored = [&](bool with_diagonal) {
    std::vector<Block> blocks;
    std::vector<std::vector<Matrix>> scatter;
    for (Index i = 0; i < 3; ++i) {
      blocks.push_back(part.block(i));
      auto& row = scatter.emplace_back();
      for (Index j = 0; j <= i; ++j) {
        const bool kept = part.kept()(at(i), at(j)) && (with_diagonal || i != 1 || j != 1);
        row.push_back(kept ? backend().copy(part.scatter(i, j)) : backend().zeros(0, 0));
      }
    }
    return Moments::restore(backend(), part.n_samples(), std::move(blocks), std::move(scatter));
  };
  const Moments copy = restored(true);
  CHECK(copy.kept() == part.kept());
  check_part(copy, part);
  CHECK(contains(refusal<std::exception>([&] { restored(false); }), "do not fit"));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
