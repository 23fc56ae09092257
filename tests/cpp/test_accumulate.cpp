// One pass over the samples against two passes in long double: every dtype and layout, widths
// around the panels and around the change from narrow to wide, and the same bits on every number
// of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "cpu/threads.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

// In eps times the norms of the two centred columns, and of a mean in eps times its size.
constexpr double kErrorLimit = 30.0;

BatchMoments accumulate(const std::vector<Samples>& blocks) {
  std::vector<ArrayView> views;
  views.reserve(blocks.size());
  for (const Samples& block : blocks) {
    views.push_back(block.view);
  }
  return backend().accumulate(views, {}, 0);
}

BatchMoments accumulate(const Samples& block) {
  return backend().accumulate({&block.view, 1}, {}, 0);
}

BatchMoments accumulate_with(int threads, const std::vector<Samples>& blocks) {
  set_num_threads(threads);
  BatchMoments out = accumulate(blocks);
  set_num_threads(0);
  return out;
}

double mean_error(const std::vector<double>& found, const Reference& wanted, Index n) {
  double worst = 0.0;
  for (std::size_t j = 0; j < found.size(); ++j) {
    const double error = std::abs(found[j] - wanted.mean[j]);
    const double deviation = wanted.scale[j] / std::sqrt(static_cast<double>(n));
    if (error > 0.0) {
      worst = std::max(worst, error / (kEps * (std::abs(wanted.mean[j]) + deviation)));
    }
  }
  return worst;
}

// The largest error over all entries of a tile, or over a sample of them where they are many.
double tile_error(const Dense& tile, const Samples& x, const Samples& y, const Reference& rx,
                  const Reference& ry) {
  constexpr Index kMany = 4000;
  double worst = 0.0;
  const auto look_at = [&](Index i, Index j) {
    const double error = product_error(tile(i, j), x.values, i, y.values, j, rx, ry);
    worst = std::isnan(error) ? error : std::max(worst, error);
  };
  if (tile.rows * tile.cols <= kMany) {
    for (Index j = 0; j < tile.cols; ++j) {
      for (Index i = 0; i < tile.rows; ++i) {
        look_at(i, j);
      }
    }
    return worst;
  }
  std::mt19937_64 random(5);
  for (Index k = 0; k < kMany && !std::isnan(worst); ++k) {
    look_at(static_cast<Index>(random() % static_cast<std::uint64_t>(tile.rows)),
            static_cast<Index>(random() % static_cast<std::uint64_t>(tile.cols)));
  }
  return worst;
}

void check_against_reference(const std::vector<Samples>& blocks) {
  const BatchMoments found = accumulate(blocks);
  const Index n = blocks[0].view.rows;
  REQUIRE(found.n == n);
  REQUIRE(found.means.size() == blocks.size());
  std::vector<Reference> wanted;
  for (const Samples& block : blocks) {
    wanted.push_back(reference_of(block.values));
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    REQUIRE(found.means[i].size() == at(blocks[i].view.cols));
    CHECK(mean_error(found.means[i], wanted[i], n) < kErrorLimit);
    REQUIRE(found.scatter[i].size() == i + 1);
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

std::vector<Samples> blocks_of(Index n, const std::vector<Index>& widths,
                               DType dtype = DType::kFloat64, Layout layout = Layout::kRowMajor) {
  std::vector<Samples> out;
  for (const Index width : widths) {
    out.push_back(random_samples(n, width, dtype, static_cast<unsigned>(100 + out.size()), layout));
  }
  return out;
}

// One sample: its mean is the value itself. Next to each other, apart, and byte-swapped, which are
// read in different ways.
void check_every_number(DType dtype, double (*value_of)(std::uint16_t)) {
  // Those of one exponent, or of neighbouring ones, at a time.
  constexpr Index kAtOnce = 64;
  struct Way {
    Index stride;
    bool byte_swapped;
  };
  for (const Way way : {Way{2, false}, Way{6, false}, Way{2, true}}) {
    CAPTURE(way.stride);
    CAPTURE(way.byte_swapped);
    for (Index first = 0; first < 0x10000; first += kAtOnce) {
      CAPTURE(first);
      std::vector<unsigned char> bytes(at(kAtOnce * way.stride));
      std::vector<double> values;
      bool all_finite = true;
      for (Index k = 0; k < kAtOnce; ++k) {
        const auto bits = static_cast<std::uint16_t>(first + k);
        std::memcpy(&bytes[at(k * way.stride)], &bits, sizeof(bits));
        if (way.byte_swapped) {
          std::swap(bytes[at(k * way.stride)], bytes[at(k * way.stride + 1)]);
        }
        values.push_back(value_of(bits));
        all_finite = all_finite && std::isfinite(values.back());
      }
      ArrayView view;
      view.data = bytes.data();
      view.dtype = dtype;
      view.byte_swapped = way.byte_swapped;
      view.rows = 1;
      view.cols = kAtOnce;
      view.row_stride = way.stride * kAtOnce;
      view.col_stride = way.stride;
      const NonFinite strange = backend().find_non_finite(view);
      if (all_finite) {
        CHECK(strange.count == 0);
        CHECK(backend().accumulate({&view, 1}, {}, 0).means[0] == values);  // -0 may come back as 0
      } else {  // the exponent says so, and it is the same for all
        CHECK(strange.count == kAtOnce);
        CHECK(std::isnan(strange.value) == std::isnan(values[0]));
        const BatchMoments found = backend().accumulate({&view, 1}, {}, 0);
        const auto diagonal = backend().diagonal(found.scatter[0][0]);
        CHECK(std::none_of(diagonal.begin(), diagonal.end(),
                           [](double d) { return std::isfinite(d); }));
      }
    }
  }
}

}  // namespace

TEST_SUITE_BEGIN("accumulate");

TEST_CASE("every dtype in every layout and byte order") {
  for (const DType dtype : kDTypes) {
    for (const Layout layout : kLayouts) {
      for (const bool swapped : {false, true}) {
        for (const Index cols : {3, 45}) {
          CAPTURE(static_cast<int>(dtype));
          CAPTURE(layout);
          CAPTURE(swapped);
          CAPTURE(cols);
          std::vector<Samples> blocks;
          blocks.push_back(random_samples(300, cols, dtype, 1, layout, swapped));
          check_against_reference(blocks);
        }
      }
    }
  }
}

TEST_CASE("widths around the panels and around the change from narrow to wide") {
  for (const Index width : {1, 2, 7, 8, 9, 31, 32, 33, 100, 511, 512, 513, 600}) {
    for (const Index n : {1, 2, 255, 256, 257, 5000}) {
      for (const Layout layout : {Layout::kRowMajor, Layout::kColumnMajor}) {
        CAPTURE(width);
        CAPTURE(n);
        CAPTURE(layout);
        check_against_reference(blocks_of(n, {width}, DType::kFloat64, layout));
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

TEST_CASE("blocks of different dtypes and layouts belong together all the same") {
  std::vector<Samples> blocks;
  blocks.push_back(random_samples(400, 10, DType::kFloat16, 1, Layout::kColumnMajor));
  blocks.push_back(random_samples(400, 21, DType::kInt8, 2, Layout::kSliced, true));
  blocks.push_back(random_samples(400, 8, DType::kFloat64, 3, Layout::kReversed));
  check_against_reference(blocks);
}

TEST_CASE("every half precision number and every bfloat16 is read as what it is") {
  SUBCASE("half") { check_every_number(DType::kFloat16, value_of_half); }
  SUBCASE("bfloat16") { check_every_number(DType::kBFloat16, value_of_bfloat); }
}

TEST_CASE("a mean of a million deviations costs no digits of the scatter") {
  for (const Index width : {40, 520}) {
    Dense values = random_matrix(1000, width, 7);
    for (double& v : values.values) {
      v += 1e6;
    }
    std::vector<Samples> blocks;
    blocks.push_back(samples_of(values));
    check_against_reference(blocks);
  }
}

TEST_CASE("sorted samples and a drift cost no digits either") {
  Dense values(4000, 9);
  for (Index j = 0; j < values.cols; ++j) {
    for (Index i = 0; i < values.rows; ++i) {
      values(i, j) = 100.0 * static_cast<double>(i) + static_cast<double>((i * (j + 3)) % 17);
    }
  }
  std::vector<Samples> blocks;
  blocks.push_back(samples_of(values));
  check_against_reference(blocks);
}

TEST_CASE("a constant feature has next to no variance, and never a negative one") {
  for (const Index n : {1, 2, 3, 5, 7, 100, 255, 257, 1000}) {
    CAPTURE(n);
    Dense values(n, 97);
    for (Index j = 0; j < values.cols; ++j) {
      for (Index i = 0; i < n; ++i) {
        values(i, j) = 0.1 + 0.37 * static_cast<double>(j);
      }
    }
    const BatchMoments found = accumulate(samples_of(values));
    const auto diagonal = backend().diagonal(found.scatter[0][0]);
    for (Index j = 0; j < values.cols; ++j) {
      const double deviation = std::sqrt(diagonal[at(j)] / static_cast<double>(n));
      CHECK(diagonal[at(j)] >= 0.0);
      CHECK(deviation <= kEps * values(0, j));
      CHECK(std::abs(found.means[0][at(j)] - values(0, j)) <= kEps * values(0, j));
    }
  }
}

TEST_CASE("a single sample has no variance at all") {
  for (const Index width : {9, 600}) {
    const BatchMoments single = accumulate(samples_of(random_matrix(1, width, 9)));
    CHECK(norm(to_host(single.scatter[0][0])) == 0.0);
  }
}

TEST_CASE("the same bits on any number of threads") {
  struct Case {
    const char* mode;
    Index n;
    std::vector<Index> widths;
  };
  // The narrow ones are large enough to be shared out.
  const Case cases[] = {{"narrow", 5000, {100}},      {"narrow", 40000, {7, 20}},
                        {"narrow", 3001, {200, 301}}, {"wide", 1000, {600}},
                        {"wide", 257, {513}},         {"wide", 700, {100, 500, 31}}};
  for (const Case& c : cases) {
    CAPTURE(c.mode);
    CAPTURE(c.n);
    const auto blocks = blocks_of(c.n, c.widths, DType::kFloat32);
    const Snapshot one = snapshot(accumulate_with(1, blocks));
    for (const int threads : {2, 3, 7}) {
      CAPTURE(threads);
      CHECK(same_bits(one, snapshot(accumulate_with(threads, blocks))));
    }
  }
}

TEST_CASE("the same bits in any memory order, and from any dtype that holds the values") {
  for (const Index width : {5, 100, 600}) {
    for (const Index n : {200, 1500}) {
      CAPTURE(width);
      CAPTURE(n);
      const Samples plain = random_samples(n, width, DType::kFloat32, 11);
      const Snapshot wanted = snapshot(accumulate(plain));
      for (const Layout layout : {Layout::kColumnMajor, Layout::kSliced, Layout::kReversed,
                                  Layout::kReversedColumns, Layout::kUnaligned}) {
        for (const bool swapped : {false, true}) {
          CAPTURE(layout);
          CAPTURE(swapped);
          const Samples other = random_samples(n, width, DType::kFloat32, 11, layout, swapped);
          REQUIRE(same_bits(other.values.values, plain.values.values));
          CHECK(same_bits(wanted, snapshot(accumulate(other))));
        }
      }
      CHECK(same_bits(wanted, snapshot(accumulate(samples_of(plain.values)))));
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

TEST_SUITE_END();

}  // namespace fastcca::testing
