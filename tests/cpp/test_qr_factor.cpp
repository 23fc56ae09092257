// The triangular factor as a state: R'R is the scatter however the samples came, and a batch that
// is turned away changes nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

#include "core/qr_factor.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

constexpr double kErrorLimit = 100.0;  // in eps times the norms of the two centred columns

std::vector<std::string> names_of(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back("block" + std::to_string(i));
  }
  return out;
}

void update(QrFactor& factor, const std::vector<Dense>& blocks, int threads = 1,
            DType dtype = DType::kFloat64) {
  std::vector<Samples> samples;
  std::vector<ArrayView> views;
  for (const Dense& block : blocks) {
    samples.push_back(samples_of(block, dtype));
    views.push_back(samples.back().view);
  }
  factor.update(names_of(blocks.size()), views, threads);
}

QrFactor factor_of(const std::vector<Dense>& blocks, int threads = 1,
                   DType dtype = DType::kFloat64) {
  QrFactor out(backend());
  update(out, blocks, threads, dtype);
  return out;
}

std::vector<Dense> rows_of(const std::vector<Dense>& blocks, Index first, Index last) {
  std::vector<Dense> out;
  for (const Dense& block : blocks) {
    out.push_back(rows_of(block, first, last));
  }
  return out;
}

Dense side_by_side(const std::vector<Dense>& blocks) {
  Dense out;
  for (const Dense& block : blocks) {
    out.rows = block.rows;
    out.cols += block.cols;
    out.values.insert(out.values.end(), block.values.begin(), block.values.end());
  }
  return out;
}

// Blocks whose features lie at means from 0 to 1000 deviations.
std::vector<Dense> blocks_of(Index n, const std::vector<Index>& widths) {
  std::vector<Dense> out;
  for (const Index width : widths) {
    Dense block = random_matrix(n, width, static_cast<unsigned>(200 + out.size()));
    for (Index j = 0; j < width; ++j) {
      const double offset = j % 3 == 0 ? 0.0 : std::pow(10.0, static_cast<double>(j % 4));
      for (Index i = 0; i < n; ++i) {
        block(i, j) += offset;
      }
    }
    out.push_back(std::move(block));
  }
  return out;
}

void check_is_factor(const QrFactor& factor, const std::vector<Dense>& blocks) {
  const Dense joint = side_by_side(blocks);
  REQUIRE(factor.n_samples() == joint.rows);
  REQUIRE(factor.block_count() == static_cast<Index>(blocks.size()));
  const Dense r = to_host(factor.factor());
  REQUIRE(r.rows == joint.cols);
  REQUIRE(r.cols == joint.cols);
  const Reference wanted = reference_of(joint);
  const Dense scatter = product(transposed(r), r);
  double worst = 0.0;
  for (Index j = 0; j < r.cols; ++j) {
    for (Index i = 0; i < r.cols; ++i) {
      worst = std::max(worst, product_error(scatter(i, j), joint, i, joint, j, wanted, wanted));
      if (i > j) {
        CHECK(r(i, j) == 0.0);
      }
    }
  }
  CHECK(worst < kErrorLimit);
  std::size_t feature = 0;
  Index first = 0;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const Block& block = factor.block(static_cast<Index>(b));
    REQUIRE(block.size() == blocks[b].cols);
    for (const double mean : block.mean) {
      const double deviation = wanted.scale[feature] / std::sqrt(static_cast<double>(joint.rows));
      CHECK(std::abs(mean - wanted.mean[feature]) <=
            8.0 * kEps * (std::abs(wanted.mean[feature]) + deviation));
      ++feature;
    }
    const Dense columns = to_host(factor.columns(static_cast<Index>(b)));
    const auto from = r.values.begin() + first * r.rows;
    CHECK(std::equal(columns.values.begin(), columns.values.end(), from,
                     from + block.size() * r.rows));
    first += block.size();
  }
}

}  // namespace

TEST_SUITE_BEGIN("qr factor");

TEST_CASE("R'R is the scatter of one batch, whatever its sizes") {
  for (const auto& widths : {std::vector<Index>{1}, {3, 4}, {40, 33}, {1, 2, 300}}) {
    for (const Index n : {1, 2, 5, 1023, 1024, 1025, 4097}) {
      if (n > 2000 && widths.back() == 300) {
        continue;  // the reference takes long and says nothing new
      }
      CAPTURE(widths.size());
      CAPTURE(n);
      const auto blocks = blocks_of(n, widths);
      check_is_factor(factor_of(blocks), blocks);
    }
  }
}

TEST_CASE("batches of any size give what one batch gives") {
  const auto blocks = blocks_of(1300, {4, 9});
  for (const Index size : {1, 7, 100, 1299}) {
    if (size == 1) {
      const auto few = rows_of(blocks, 0, 60);
      QrFactor factor(backend());
      for (Index i = 0; i < 60; ++i) {
        update(factor, rows_of(few, i, i + 1));
      }
      check_is_factor(factor, few);
      continue;
    }
    QrFactor factor(backend());
    for (Index i = 0; i < 1300; i += size) {
      update(factor, rows_of(blocks, i, std::min<Index>(i + size, 1300)));
    }
    check_is_factor(factor, blocks);
  }
}

TEST_CASE("batches in every dtype are read as what they are") {
  for (const DType dtype : kDTypes) {
    CAPTURE(static_cast<int>(dtype));
    const Samples x = random_samples(1100, 5, dtype, 3, Layout::kSliced, true);
    QrFactor factor(backend());
    factor.update(names_of(1), {&x.view, 1}, 1);
    check_is_factor(factor, {x.values});
  }
}

TEST_CASE("merged states give what one batch gives, in either order") {
  const auto blocks = blocks_of(2000, {6, 3});
  const auto part = [&](Index first, Index last) {
    return factor_of(rows_of(blocks, first, last));
  };
  for (const bool reversed : {false, true}) {
    QrFactor parts[] = {part(0, 1), part(1, 500), part(500, 502), part(502, 2000)};
    if (reversed) {
      std::reverse(std::begin(parts), std::end(parts));
    }
    QrFactor left(backend());
    for (const QrFactor& p : parts) {
      left.merge(p);
    }
    check_is_factor(left, blocks);
    parts[0].merge(parts[1]);
    parts[2].merge(parts[3]);
    parts[0].merge(parts[2]);
    check_is_factor(parts[0], blocks);
  }
}

TEST_CASE("an empty state is neutral in a merge, and a state can be merged with itself") {
  const auto blocks = blocks_of(50, {3, 2});
  QrFactor factor = factor_of(blocks);
  const Snapshot before = snapshot(factor);
  factor.merge(QrFactor(backend()));
  CHECK(same_bits(snapshot(factor), before));
  QrFactor empty(backend());
  empty.merge(factor);
  CHECK(same_bits(snapshot(empty), before));
  factor.merge(factor);
  CHECK(factor.n_samples() == 100);
  const Dense once = to_host(empty.factor());
  const Dense twice = to_host(factor.factor());
  const Dense wanted = scaled(product(transposed(once), once), 2.0);
  CHECK(norm(difference(product(transposed(twice), twice), wanted)) < 1e-13 * norm(wanted));
}

TEST_CASE("a clone shares nothing with its source") {
  const auto blocks = blocks_of(40, {3, 2});
  QrFactor factor = factor_of(blocks);
  const QrFactor clone = factor.clone();
  const Snapshot before = snapshot(factor);
  update(factor, blocks);
  CHECK(same_bits(snapshot(clone), before));
}

TEST_CASE("the same bits on any number of threads") {
  for (const Index n : {3, 1024, 2500, 9000}) {
    CAPTURE(n);
    const auto blocks = blocks_of(n, {7, 20});
    const Snapshot wanted = snapshot(factor_of(blocks, 1));
    for (const int threads : {2, 3, 7}) {
      CHECK(same_bits(snapshot(factor_of(blocks, threads)), wanted));
    }
  }
}

TEST_CASE("a block remembers the coarsest dtype that entered it") {
  const auto blocks = blocks_of(20, {2, 2});
  QrFactor factor = factor_of(blocks);
  CHECK(factor.block(0).precision == Precision::kFloat64);
  update(factor, blocks, 1, DType::kFloat32);
  CHECK(factor.block(1).precision == Precision::kFloat32);
  QrFactor other = factor_of(blocks);
  other.merge(factor);
  CHECK(other.block(0).precision == Precision::kFloat32);
  CHECK(factor.clone().block(0).precision == Precision::kFloat32);
}

TEST_CASE("a batch that is turned away leaves every bit of the state") {
  const auto blocks = blocks_of(1500, {3, 2});
  QrFactor factor = factor_of(blocks);
  QrFactor empty(backend());
  const Snapshot before = snapshot(factor);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf, -inf}) {
    for (const Index row : {0, 700, 1499}) {
      for (const std::size_t block : {0, 1}) {
        auto spoilt = blocks;
        spoilt[block](row, 1) = bad;
        for (const int threads : {1, 3}) {
          CHECK_THROWS_AS(update(factor, spoilt, threads), std::invalid_argument);
          CHECK_THROWS_AS(update(empty, spoilt, threads), std::invalid_argument);
        }
        CHECK(same_bits(snapshot(factor), before));
      }
    }
  }
  auto spoilt = blocks;
  spoilt[1](700, 1) = nan;
  CHECK_THROWS_WITH_AS(update(factor, spoilt),
                       "block1 has 1 value that is not finite; the first is nan at sample 700, "
                       "feature 1; remove those samples or replace the values",
                       std::invalid_argument);
  spoilt = blocks;
  spoilt[0](0, 0) = 1.7e308;
  spoilt[0](1, 0) = -1.7e308;
  spoilt[0](2, 0) = 1.7e308;
  spoilt[0](3, 0) = 1.7e308;
  CHECK_THROWS_AS(update(factor, spoilt), std::invalid_argument);

  const std::vector<std::vector<Dense>> misfits = {
      {blocks[0]},                                    // a block is missing
      {blocks[0], rows_of(blocks[1], 0, 9)},          // samples are missing
      {blocks[0], random_matrix(1500, 3, 1)},         // a feature too many
      {blocks[1], blocks[0]},                         // exchanged
      {Dense(0, 3), Dense(0, 2)},                     // nothing at all
      {blocks[0], blocks[1], random_matrix(9, 1, 2)}  // a new block
  };
  for (const auto& misfit : misfits) {
    CHECK_THROWS_AS(update(factor, misfit), std::invalid_argument);
  }
  CHECK(same_bits(snapshot(factor), before));
  CHECK(empty.n_samples() == 0);
  CHECK(empty.block_count() == 0);
}

TEST_CASE("batches that overflow only together are turned away as well") {
  Dense one(1, 1);
  one(0, 0) = 1.7e308;
  QrFactor factor = factor_of({one});
  const Snapshot before = snapshot(factor);
  one(0, 0) = -1.7e308;
  CHECK_THROWS_AS(update(factor, {one}), std::invalid_argument);
  CHECK_THROWS_AS(factor.merge(factor_of({one})), std::invalid_argument);
  CHECK(same_bits(snapshot(factor), before));
}

TEST_CASE("a merge of other blocks is turned away") {
  QrFactor factor = factor_of(blocks_of(30, {3, 2}));
  const Snapshot before = snapshot(factor);
  CHECK_THROWS_AS(factor.merge(factor_of(blocks_of(30, {2, 3}))), std::invalid_argument);
  CHECK_THROWS_AS(factor.merge(factor_of(blocks_of(30, {3}))), std::invalid_argument);
  CHECK(same_bits(snapshot(factor), before));
}

TEST_CASE("a stored state comes back bit for bit and goes on") {
  const auto blocks = blocks_of(90, {3, 2});
  QrFactor factor = factor_of(blocks);
  QrFactor restored =
      QrFactor::restore(backend(), factor.n_samples(), {factor.block(0), factor.block(1)},
                        backend().copy(factor.factor()));
  CHECK(same_bits(snapshot(restored), snapshot(factor)));
  update(factor, blocks);
  update(restored, blocks);
  CHECK(same_bits(snapshot(restored), snapshot(factor)));
  QrFactor empty = QrFactor::restore(backend(), 0, {}, backend().zeros(0, 0));
  update(empty, blocks);
  CHECK(empty.n_samples() == 90);
}

TEST_CASE("a stored state whose parts do not fit is turned away") {
  const Block block{"x", {0.0, 1.0}, Precision::kFloat64};
  const auto restore = [](Index n, std::vector<Block> blocks, Index rows, Index cols) {
    return QrFactor::restore(backend(), n, std::move(blocks), backend().zeros(rows, cols));
  };
  CHECK_NOTHROW(restore(3, {block}, 2, 2));
  CHECK_THROWS_AS(restore(-1, {block}, 2, 2), std::invalid_argument);
  CHECK_THROWS_AS(restore(0, {block}, 2, 2), std::invalid_argument);
  CHECK_THROWS_AS(restore(3, {}, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(restore(3, {block}, 3, 2), std::invalid_argument);
  CHECK_THROWS_AS(restore(3, {block}, 2, 3), std::invalid_argument);
  CHECK_THROWS_AS(restore(3, {block, block}, 2, 2), std::invalid_argument);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
