// Products in single precision against two passes in long double: every dtype and layout, widths
// around the panels, the same bits on every number of threads, scales that float32 does not have,
// and samples that it cannot hold.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/threads.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

constexpr double kEps32 = 0x1p-23;
// In eps32 times the norms of the two centred columns, for samples whose roundings cancel.
constexpr double kErrorLimit = 8.0;

std::vector<ArrayView> views_of(const std::vector<Samples>& blocks) {
  std::vector<ArrayView> views;
  for (const Samples& block : blocks) {
    views.push_back(block.view);
  }
  return views;
}

BatchMoments accumulate(const std::vector<Samples>& blocks, int threads = 0) {
  return backend().accumulate_single(views_of(blocks), {}, threads);
}

BatchMoments accumulate(const Samples& block) {
  return backend().accumulate_single({&block.view, 1}, {}, 0);
}

// Whether the samples were too much for float32, and the answer is that of double precision.
bool falls_back(const Samples& block) {
  const BatchMoments wide = backend().accumulate({&block.view, 1}, {}, 0);
  return same_bits(snapshot(accumulate(block)), snapshot(wide));
}

// The largest error of a tile, in eps32; at most some thousand entries are looked at.
double tile_error(const Dense& tile, const Samples& x, const Samples& y, const Reference& rx,
                  const Reference& ry) {
  const Index step = tile.rows * tile.cols / 3000 + 1;
  double worst = 0.0;
  for (Index k = 0; k < tile.rows * tile.cols; k += step) {
    const Index i = k % tile.rows;
    const Index j = k / tile.rows;
    const double error = product_error(tile(i, j), x.values, i, y.values, j, rx, ry);
    worst = std::isnan(error) ? error : std::max(worst, error * kEps / kEps32);
  }
  return worst;
}

void check_against_reference(const std::vector<Samples>& blocks) {
  const BatchMoments found = accumulate(blocks);
  const BatchMoments wide = backend().accumulate(views_of(blocks), {}, 0);
  std::vector<Reference> wanted;
  for (const Samples& block : blocks) {
    wanted.push_back(reference_of(block.values));
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    CHECK(same_bits(found.means[i], wide.means[i]));
    for (std::size_t j = 0; j <= i; ++j) {
      const Dense tile = to_host(found.scatter[i][j]);
      REQUIRE(tile.rows == blocks[i].view.cols);
      REQUIRE(tile.cols == blocks[j].view.cols);
      CHECK(tile_error(tile, blocks[i], blocks[j], wanted[i], wanted[j]) < kErrorLimit);
      if (i == j) {
        CHECK(same_bits(tile.values, transposed(tile).values));
        for (Index k = 0; k < tile.rows; ++k) {
          CHECK(tile(k, k) >= 0.0);
        }
      }
    }
  }
}

void check_against_reference(Samples block) {
  std::vector<Samples> blocks;
  blocks.push_back(std::move(block));
  check_against_reference(blocks);
}

std::vector<Samples> blocks_of(Index n, const std::vector<Index>& widths,
                               DType dtype = DType::kFloat64, Layout layout = Layout::kRowMajor) {
  std::vector<Samples> out;
  for (const Index width : widths) {
    out.push_back(random_samples(n, width, dtype, static_cast<unsigned>(100 + out.size()), layout));
  }
  return out;
}

Dense scaled_column(Dense values, Index column, double factor) {
  for (Index i = 0; i < values.rows; ++i) {
    values(i, column) *= factor;
  }
  return values;
}

}  // namespace

TEST_SUITE_BEGIN("accumulate in single precision");

TEST_CASE("every dtype in every layout and byte order") {
  for (const DType dtype : kDTypes) {
    for (const Layout layout : kLayouts) {
      for (const bool swapped : {false, true}) {
        for (const Index cols : {3, 45}) {
          CAPTURE(static_cast<int>(dtype));
          CAPTURE(layout);
          CAPTURE(swapped);
          CAPTURE(cols);
          check_against_reference(random_samples(300, cols, dtype, 1, layout, swapped));
        }
      }
    }
  }
}

TEST_CASE("widths around the panels and around the change from narrow to wide") {
  for (const Index width : {1, 2, 4, 5, 8, 9, 16, 17, 32, 33, 48, 65, 100, 511, 513, 600}) {
    for (const Index n : {1, 2, 127, 128, 129, 257, 3000}) {
      for (const Layout layout : {Layout::kRowMajor, Layout::kColumnMajor}) {
        CAPTURE(width);
        CAPTURE(n);
        CAPTURE(layout);
        check_against_reference(blocks_of(n, {width}, DType::kFloat32, layout));
      }
    }
  }
}

TEST_CASE("several blocks side by side") {
  const std::vector<Index> widths[] = {{1, 1},     {7, 9},   {100, 5, 33},
                                       {300, 220}, {1, 600}, {2, 3, 5, 7}};
  for (const auto& together : widths) {
    for (const Index n : {3, 700}) {
      CAPTURE(together.size());
      CAPTURE(n);
      check_against_reference(blocks_of(n, together));
    }
  }
}

TEST_CASE("a mean of a million deviations costs no digits of the scatter") {
  for (const Index width : {40, 520}) {
    Dense values = random_matrix(1000, width, 7);
    for (double& v : values.values) {
      v += 1e6;
    }
    check_against_reference(samples_of(values));
  }
}

TEST_CASE("samples that are alike round to the same side, and only so far") {
  // 32 equal products lose up to 8 eps, more of them in proportion, 8 such sums 2 more, and
  // rounding the samples 1.
  const double most = static_cast<double>(single_run()) / 4.0 + 4.0;
  for (const double other : {0.3, 1.7, -0.9}) {
    for (const Index every : {2, 3, 50}) {
      Dense values(2560, 3);
      for (Index j = 0; j < values.cols; ++j) {
        for (Index i = 0; i < values.rows; ++i) {
          values(i, j) = i % (every + j) == 0 ? other : 0.1 * static_cast<double>(j);
        }
      }
      const Samples samples = samples_of(values);
      const Reference wanted = reference_of(values);
      const Dense found = to_host(accumulate(samples).scatter[0][0]);
      CHECK(tile_error(found, samples, samples, wanted, wanted) < most);
    }
  }
}

TEST_CASE("the same bits on any number of threads, in any memory order, of any dtype") {
  for (const auto& widths : {std::vector<Index>{100}, {7, 20}, {200, 301}, {600}, {513, 31}}) {
    for (const Index n : {257, 3001}) {
      CAPTURE(widths.size());
      CAPTURE(n);
      const Snapshot one = snapshot(accumulate(blocks_of(n, widths, DType::kFloat32), 1));
      for (const int threads : {2, 3, 7}) {
        const auto blocks = blocks_of(n, widths, DType::kFloat32);
        CHECK(same_bits(one, snapshot(accumulate(blocks, threads))));
      }
      for (const Layout layout : {Layout::kColumnMajor, Layout::kSliced, Layout::kReversed,
                                  Layout::kReversedColumns, Layout::kUnaligned}) {
        CAPTURE(layout);
        const auto blocks = blocks_of(n, widths, DType::kFloat32, layout);
        CHECK(same_bits(one, snapshot(accumulate(blocks))));
      }
      std::vector<Samples> wide;
      for (const Samples& block : blocks_of(n, widths, DType::kFloat32)) {
        wide.push_back(samples_of(block.values));
      }
      CHECK(same_bits(one, snapshot(accumulate(wide))));
    }
  }
}

TEST_CASE("features in units that float32 does not have") {
  Dense values = random_matrix(1000, 9, 3);
  const double units[] = {1e-140, 1e-60, 1e-38, 1e-10, 1.0, 1e10, 1e38, 1e60, 1e140};
  for (Index j = 0; j < 9; ++j) {
    values = scaled_column(values, j, units[j]);
  }
  const Samples samples = samples_of(values);
  CHECK(!falls_back(samples));
  check_against_reference(samples_of(values));
}

TEST_CASE("powers of two change no digit") {
  const Dense values = random_matrix(700, 5, 4);
  const Dense plain = to_host(accumulate(samples_of(values)).scatter[0][0]);
  const Dense larger =
      to_host(accumulate(samples_of(scaled_column(values, 2, 0x1p200))).scatter[0][0]);
  for (Index i = 0; i < 5; ++i) {
    CHECK(larger(i, 2) == plain(i, 2) * (i == 2 ? 0x1p400 : 0x1p200));
  }
}

TEST_CASE("samples that float32 cannot hold are computed in double") {
  const Index n = 5000;  // sample 20 is not among those that the scale is chosen from, sample 2 is
  const auto with = [](Index row, double value) {
    Dense values = random_matrix(n, 6, 5);
    for (Index i = 0; i < n; ++i) {
      values(i, 3) *= 1e-30;
    }
    values(row, 3) = value;
    return samples_of(values);
  };
  CHECK(!falls_back(with(20, 1e-30)));
  CHECK(!falls_back(with(20, 1e-16)));
  CHECK(falls_back(with(20, 1.0)));  // 1e30 times the others: its square overflows
  CHECK(falls_back(with(20, 1e30)));
  CHECK(!falls_back(with(2, 1.0)));  // the others vanish beside it, in double as well
  for (const double value : {1.0, 1e30}) {
    check_against_reference(with(20, value));
    check_against_reference(with(2, value));
  }
}

TEST_CASE("a feature that is 0 in the samples that its scale is chosen from") {
  for (const double value : {1e-60, 1e-25, 1e-3, 1.0, 1e25, 1e60}) {
    CAPTURE(value);
    Dense values = random_matrix(5000, 6, 5);
    for (Index i = 0; i < 5000; ++i) {
      values(i, 3) = i >= 20 && i < 40 ? value * static_cast<double>(i % 3 - 1) : 0.0;
    }
    CHECK(falls_back(samples_of(values)) == (value < 1e-20 || value > 1e20));
    check_against_reference(samples_of(values));
  }
}

TEST_CASE("samples far from those that the shift is chosen from are computed in double") {
  Dense values = random_matrix(5000, 4, 6);
  for (Index i = 0; i < 5000; ++i) {  // the probes are 16 runs of 16
    const Index from_run = i % 332;
    values(i, 1) += from_run < 20 || i > 4970 ? 0.0 : 1000.0;
  }
  CHECK(falls_back(samples_of(values)));
  check_against_reference(samples_of(values));
}

TEST_CASE("constant features do not fall back, and have next to no variance") {
  for (const Index n : {1, 2, 3, 100, 257, 1000}) {
    CAPTURE(n);
    Dense values = random_matrix(n, 97, 8);
    for (Index j = 0; j < values.cols; j += 2) {
      for (Index i = 0; i < n; ++i) {
        values(i, j) = j % 4 == 0 ? 0.0 : 0.1 + 0.37 * static_cast<double>(j);
      }
    }
    const Samples samples = samples_of(values);
    CHECK((n < 100 || !falls_back(samples)));
    const auto diagonal = backend().diagonal(accumulate(samples).scatter[0][0]);
    for (Index j = 0; j < values.cols; j += 2) {
      const double deviation = std::sqrt(diagonal[at(j)] / static_cast<double>(n));
      CHECK(diagonal[at(j)] >= 0.0);
      CHECK(deviation <= kEps * values(0, j));
    }
  }
}

TEST_CASE("what is not finite, or overflows when squared, shows on the diagonal") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const Index width : {9, 550}) {
    for (const double bad : {nan, inf, -inf, 1e200}) {
      for (const Index row : {0, 299, 599}) {
        CAPTURE(width);
        CAPTURE(bad);
        CAPTURE(row);
        Dense values = random_matrix(600, width, 12);
        values(row, width - 2) = bad;
        const BatchMoments found = accumulate(samples_of(values));
        const auto diagonal = backend().diagonal(found.scatter[0][0]);
        for (Index j = 0; j < width; ++j) {
          CHECK(std::isfinite(diagonal[at(j)]) == (j != width - 2));
        }
      }
    }
  }
}

TEST_CASE("a state remembers its precision, and the coarser one counts") {
  const Samples samples = random_samples(50, 3, DType::kFloat32, 1);
  const std::string name = "x";
  const auto state_of = [&](Products products) {
    Moments out(backend(), products);
    out.update({&name, 1}, {&samples.view, 1});
    return out;
  };
  const Moments wide = state_of(Products::kDouble);
  const Moments single = state_of(Products::kSingle);
  CHECK(wide.products() == Products::kDouble);
  CHECK(single.clone().products() == Products::kSingle);
  Moments sum = wide.clone();
  sum.merge(wide);
  CHECK(sum.products() == Products::kDouble);
  sum.merge(Moments(backend(), Products::kSingle));  // holds nothing
  CHECK(sum.products() == Products::kDouble);
  sum.merge(single);
  CHECK(sum.products() == Products::kSingle);
  Moments other = single.clone();
  other.merge(wide);
  CHECK(other.products() == Products::kSingle);
  Moments empty(backend(), Products::kSingle);
  empty.merge(wide);
  CHECK(empty.products() == Products::kSingle);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
