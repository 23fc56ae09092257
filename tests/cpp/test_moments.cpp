// The state: batches and merges against one batch, and batches that are turned away.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "data.hpp"

namespace fastcca::testing {

namespace {

void add(Moments& moments, const std::vector<std::string>& names, const std::vector<Dense>& blocks,
         DType dtype = DType::kFloat64) {
  std::vector<Samples> samples;
  std::vector<ArrayView> views;
  for (const Dense& block : blocks) {
    samples.push_back(samples_of(block, dtype));
    views.push_back(samples.back().view);
  }
  moments.update(names, views);
}

// The largest difference of two states, in eps times the norms of the columns.
double distance(const Moments& a, const Moments& b) {
  REQUIRE(a.n_samples() == b.n_samples());
  REQUIRE(a.block_count() == b.block_count());
  double worst = 0.0;
  for (Index i = 0; i < a.block_count(); ++i) {
    const auto rows = b.backend().diagonal(b.scatter(i, i));
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const double size = std::abs(b.block(i).mean[k]) + std::sqrt(rows[k]);
      worst = std::max(worst, std::abs(a.block(i).mean[k] - b.block(i).mean[k]) / (kEps * size));
    }
    for (Index j = 0; j <= i; ++j) {
      const auto cols = b.backend().diagonal(b.scatter(j, j));
      const Dense found = to_host(a.scatter(i, j));
      const Dense wanted = to_host(b.scatter(i, j));
      REQUIRE(found.rows == wanted.rows);
      REQUIRE(found.cols == wanted.cols);
      for (Index c = 0; c < found.cols; ++c) {
        for (Index r = 0; r < found.rows; ++r) {
          const double size = std::sqrt(rows[at(r)] * cols[at(c)]);
          worst = std::max(worst, std::abs(found(r, c) - wanted(r, c)) / (kEps * size));
        }
      }
    }
  }
  return worst;
}

constexpr double kErrorLimit = 50.0;

const std::vector<std::string> kNames{"x", "y"};

std::vector<Dense> two_blocks(Index n) {
  Dense x = random_matrix(n, 12, 41);
  for (Index j = 0; j < x.cols; ++j) {
    for (Index i = 0; i < n; ++i) {
      x(i, j) += 5.0 * static_cast<double>(j);
    }
  }
  Dense y = random_matrix(n, 5, 42);
  for (Index i = 0; i < n; ++i) {
    y(i, 0) += x(i, 1);
  }
  return {x, y};
}

Moments state_of(const std::vector<Dense>& blocks) {
  Moments out(backend());
  add(out, kNames, blocks);
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("moments");

TEST_CASE("batches of any size give what one batch gives") {
  const auto blocks = two_blocks(1000);
  const Moments whole = state_of(blocks);
  for (const Index size : {1, 7, 256, 999}) {
    CAPTURE(size);
    Moments parts(backend());
    for (Index first = 0; first < 1000; first += size) {
      const Index last = std::min<Index>(first + size, 1000);
      add(parts, kNames, {rows_of(blocks[0], first, last), rows_of(blocks[1], first, last)});
    }
    CHECK(parts.n_samples() == 1000);
    CHECK(distance(parts, whole) < kErrorLimit);
    for (Index i = 0; i < 2; ++i) {
      const Dense tile = to_host(parts.scatter(i, i));
      CHECK(same_bits(tile.values, transposed(tile).values));
    }
  }
}

TEST_CASE("merged states give what one batch gives, in either order") {
  const auto blocks = two_blocks(1000);
  const Moments whole = state_of(blocks);
  for (const Index cut : {1, 300, 999}) {
    CAPTURE(cut);
    const std::vector<Dense> first{rows_of(blocks[0], 0, cut), rows_of(blocks[1], 0, cut)};
    const std::vector<Dense> second{rows_of(blocks[0], cut, 1000), rows_of(blocks[1], cut, 1000)};
    Moments forwards = state_of(first);
    forwards.merge(state_of(second));
    Moments backwards = state_of(second);
    backwards.merge(state_of(first));
    CHECK(distance(forwards, whole) < kErrorLimit);
    CHECK(distance(backwards, whole) < kErrorLimit);
  }
}

TEST_CASE("an empty state is neutral in a merge, and a state can be merged with itself") {
  const Moments whole = state_of(two_blocks(50));
  const Snapshot before = snapshot(whole);
  Moments empty(backend());
  CHECK(empty.n_samples() == 0);
  CHECK(empty.block_count() == 0);
  empty.merge(Moments(backend()));
  CHECK(empty.block_count() == 0);
  empty.merge(whole);
  CHECK(same_bits(snapshot(empty), before));
  empty.merge(Moments(backend()));
  CHECK(same_bits(snapshot(empty), before));

  Moments twice = whole.clone();
  twice.merge(twice);
  CHECK(twice.n_samples() == 100);
  Moments other = whole.clone();
  other.merge(whole);
  CHECK(same_bits(snapshot(twice), snapshot(other)));
}

TEST_CASE("a clone shares nothing with its source") {
  const Moments source = state_of(two_blocks(60));
  const Snapshot before = snapshot(source);
  Moments copy = source.clone();
  CHECK(same_bits(snapshot(copy), before));
  add(copy, kNames, two_blocks(3));
  CHECK(same_bits(snapshot(source), before));
  CHECK(copy.n_samples() == 63);
}

TEST_CASE("a block remembers the coarsest dtype that entered it") {
  const auto blocks = two_blocks(10);
  Moments moments(backend());
  add(moments, kNames, blocks, DType::kFloat64);
  CHECK(moments.block(0).precision == Precision::kFloat64);
  add(moments, kNames, blocks, DType::kFloat32);
  add(moments, kNames, blocks, DType::kFloat64);
  CHECK(moments.block(0).precision == Precision::kFloat32);
  CHECK(moments.block(1).precision == Precision::kFloat32);

  Moments exact = state_of(blocks);
  exact.merge(moments);
  CHECK(exact.block(0).precision == Precision::kFloat32);

  for (const DType dtype : kDTypes) {
    const Samples samples = random_samples(4, 2, dtype, 1);
    Moments one(backend());
    const std::string name = "x";
    one.update({&name, 1}, {&samples.view, 1});
    const Precision wanted = dtype == DType::kFloat16    ? Precision::kFloat16
                             : dtype == DType::kBFloat16 ? Precision::kBFloat16
                             : dtype == DType::kFloat32  ? Precision::kFloat32
                                                         : Precision::kFloat64;
    CHECK(one.block(0).precision == wanted);
  }
}

TEST_CASE("a batch that is turned away leaves every bit of the state") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  Moments moments = state_of(two_blocks(100));
  const Snapshot before = snapshot(moments);
  const auto good = two_blocks(8);

  const auto refused = [&](const std::vector<std::string>& names,
                           const std::vector<Dense>& blocks) {
    const std::string text = refusal([&] { add(moments, names, blocks); });
    CHECK(same_bits(snapshot(moments), before));
    CHECK(text != "nothing was thrown");
    return text;
  };
  const auto spoiled = [&](double value) {
    auto blocks = good;
    blocks[1](6, 3) = value;
    return blocks;
  };

  for (const double bad : {nan, inf, -inf}) {
    const std::string text = refused(kNames, spoiled(bad));
    CHECK(contains(text, "y has 1 value"));
    CHECK(contains(text, "sample 6, feature 3"));
    CHECK(contains(text, std::isnan(bad) ? "nan" : (bad > 0 ? "inf" : "-inf")));
  }
  CHECK(contains(refused(kNames, spoiled(1e200)), "y"));  // its square overflows
  CHECK(contains(refused(kNames, {good[0], rows_of(good[1], 0, 7)}), "8 samples and y has 7"));
  CHECK(contains(refused(kNames, {good[1], good[0]}), "x has 5 features, but 12"));
  CHECK(contains(refused({"y", "x"}, {good[1], good[0]}), "(y, x)"));
  CHECK(contains(refused({"x", "z"}, good), "(x, z)"));
  CHECK(contains(refused({"x", "x"}, good), "'x' is given twice"));
  CHECK(contains(refused({"x"}, {good[0]}), "(x, y)"));
  CHECK(contains(refused({"x", "y", "z"}, {good[0], good[1], good[1]}), "(x, y, z)"));
  CHECK(contains(refused({}, {}), "at least one block"));
  CHECK(contains(refused(kNames, {Dense(0, 12), Dense(0, 5)}), "at least one sample"));
  CHECK(contains(refused(kNames, {good[0], Dense(8, 0)}), "at least one feature"));

  add(moments, kNames, good);  // and it goes on
  CHECK(moments.n_samples() == 108);
}

TEST_CASE("a first batch that is turned away leaves an empty state") {
  Moments moments(backend());
  auto blocks = two_blocks(5);
  blocks[0](0, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK(contains(refusal([&] { add(moments, kNames, blocks); }), "sample 0, feature 0"));
  CHECK(moments.n_samples() == 0);
  CHECK(moments.block_count() == 0);
  add(moments, {"other"}, {blocks[1]});
  CHECK(moments.block(0).name == "other");
}

TEST_CASE("batches that overflow only together are turned away as well") {
  // Each batch is constant, so its own squares vanish; their distance squared overflows.
  Dense low(4, 2);
  Dense high(4, 2);
  for (double& v : high.values) {
    v = 1e200;
  }
  Moments moments(backend());
  add(moments, {"x"}, {low});
  const Snapshot before = snapshot(moments);
  CHECK(contains(refusal([&] { add(moments, {"x"}, {high}); }), "x"));
  CHECK(same_bits(snapshot(moments), before));

  Moments other(backend());
  add(other, {"x"}, {high});
  CHECK(contains(refusal([&] { moments.merge(other); }), "x"));
  CHECK(same_bits(snapshot(moments), before));
}

TEST_CASE("a merge of other blocks is turned away") {
  Moments moments = state_of(two_blocks(20));
  const Snapshot before = snapshot(moments);
  Moments renamed(backend());
  add(renamed, {"x", "z"}, two_blocks(20));
  CHECK(contains(refusal([&] { moments.merge(renamed); }), "z: 5"));
  Moments wider(backend());
  add(wider, kNames, {random_matrix(4, 13, 1), random_matrix(4, 5, 2)});
  CHECK(contains(refusal([&] { moments.merge(wider); }), "x: 13"));
  Moments fewer(backend());
  add(fewer, {"x"}, {random_matrix(4, 12, 1)});
  CHECK(contains(refusal([&] { moments.merge(fewer); }), "x: 12"));
  CHECK(same_bits(snapshot(moments), before));
}

namespace {

struct Parts {
  Index n = 0;
  std::vector<Block> blocks;
  std::vector<std::vector<Matrix>> scatter;
};

Parts parts_of(const Moments& moments) {
  Parts out;
  out.n = moments.n_samples();
  for (Index i = 0; i < moments.block_count(); ++i) {
    out.blocks.push_back(moments.block(i));
    auto& row = out.scatter.emplace_back();
    for (Index j = 0; j <= i; ++j) {
      row.push_back(backend().copy(moments.scatter(i, j)));
    }
  }
  return out;
}

Moments restored(Parts parts) {
  return Moments::restore(backend(), parts.n, std::move(parts.blocks), std::move(parts.scatter));
}

}  // namespace

TEST_CASE("a stored state comes back bit for bit and goes on") {
  Moments source = state_of(two_blocks(30));
  Moments copy = restored(parts_of(source));
  CHECK(same_bits(snapshot(copy), snapshot(source)));
  add(source, kNames, two_blocks(9));
  add(copy, kNames, two_blocks(9));
  CHECK(same_bits(snapshot(copy), snapshot(source)));
  CHECK(restored({}).block_count() == 0);
}

TEST_CASE("a stored state whose parts do not fit is turned away") {
  const Moments source = state_of(two_blocks(30));
  const auto refused = [&](auto spoil) {
    Parts parts = parts_of(source);
    spoil(parts);
    return contains(refusal([&] { restored(std::move(parts)); }), "do not fit");
  };
  CHECK(refused([](Parts& p) { p.n = -1; }));
  CHECK(refused([](Parts& p) { p.n = 0; }));
  CHECK(refused([](Parts& p) { p.blocks.pop_back(); }));
  CHECK(refused([](Parts& p) { p.scatter.pop_back(); }));
  CHECK(refused([](Parts& p) { p.blocks[0].mean.pop_back(); }));
  CHECK(refused([](Parts& p) { p.scatter[1].pop_back(); }));
  CHECK(refused([](Parts& p) { std::swap(p.scatter[1][0], p.scatter[1][1]); }));
  CHECK(refused([](Parts& p) { p.scatter[1][0] = backend().transposed(p.scatter[1][0]); }));
  CHECK(refused([](Parts& p) {  // samples of no block
    p.blocks.clear();
    p.scatter.clear();
  }));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
