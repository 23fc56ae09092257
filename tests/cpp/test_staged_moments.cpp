// Small batches that wait for their neighbours: the same moments, and the same errors at the same
// batch, as without waiting.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/staged_moments.hpp"
#include "data.hpp"
#include "interrupts.hpp"

namespace fastcca::testing {

namespace {

const std::vector<std::string> kNames{"x", "y"};
constexpr Index kCapacity = 64;
constexpr double kErrorLimit = 50.0;

template <class State>
void add(State& state, const std::vector<Dense>& blocks, DType dtype = DType::kFloat64,
         Layout layout = Layout::kRowMajor) {
  std::vector<Samples> samples;
  std::vector<ArrayView> views;
  for (const Dense& block : blocks) {
    samples.push_back(samples_of(block, dtype, layout));
    views.push_back(samples.back().view);
  }
  state.update(kNames, views);
}

std::vector<Dense> two_blocks(Index n) {
  Dense x = random_matrix(n, 7, 41);
  Dense y = random_matrix(n, 3, 42);
  for (Index i = 0; i < n; ++i) {
    x(i, 2) += 100.0;
    y(i, 0) += x(i, 1);
  }
  return {x, y};
}

StagedMoments staged(Products products = Products::kDouble) {
  return {Moments(backend(), products), kCapacity};
}

// Of the samples one after the other, in batches of `size`.
template <class State>
void stream(State& state, const std::vector<Dense>& blocks, Index size,
            DType dtype = DType::kFloat64, Layout layout = Layout::kRowMajor) {
  for (Index first = 0; first < blocks[0].rows; first += size) {
    const Index last = std::min(first + size, blocks[0].rows);
    add(state, {rows_of(blocks[0], first, last), rows_of(blocks[1], first, last)}, dtype, layout);
  }
}

// Means and scatter against two passes in long double, in units of rounding.
double error_of(const Moments& found, const std::vector<Dense>& blocks) {
  double worst = 0.0;
  for (Index b = 0; b < found.block_count(); ++b) {
    const Dense& x = blocks[at(b)];
    const Reference rx = reference_of(x);
    for (Index j = 0; j < x.cols; ++j) {
      const double size = std::abs(rx.mean[at(j)]) + rx.scale[at(j)];
      worst =
          std::max(worst, std::abs(found.block(b).mean[at(j)] - rx.mean[at(j)]) / (kEps * size));
    }
    for (Index c = 0; c <= b; ++c) {
      const Dense& y = blocks[at(c)];
      const Reference ry = reference_of(y);
      const Dense tile = to_host(found.scatter(b, c));
      for (Index i = 0; i < x.cols; ++i) {
        for (Index j = 0; j < y.cols; ++j) {
          worst = std::max(worst, product_error(tile(i, j), x, i, y, j, rx, ry));
        }
      }
    }
  }
  return worst;
}

}  // namespace

TEST_SUITE_BEGIN("moments");

TEST_CASE("small batches that wait give the moments of all samples") {
  const auto blocks = two_blocks(500);
  for (const Index size : {1, 3, 16, 17, 64, 200}) {
    CAPTURE(size);
    StagedMoments state = staged();
    stream(state, blocks, size);
    CHECK(state.n_samples() == 500);
    CHECK(state.settled().n_samples() == 500);
    CHECK(error_of(state.settled(), blocks) < kErrorLimit);
    const Dense tile = to_host(state.settled().scatter(0, 0));
    CHECK(same_bits(tile.values, transposed(tile).values));
  }
}

TEST_CASE("batches wait in their own dtype, whatever their layout, and with the same bits") {
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    auto blocks = two_blocks(300);
    for (Dense& block : blocks) {
      for (double& v : block.values) {
        v = static_cast<double>(static_cast<float>(v));
      }
    }
    StagedMoments wanted = staged();
    stream(wanted, blocks, 5, dtype);
    CHECK(error_of(wanted.settled(), blocks) < kErrorLimit);
    for (const Layout layout : {Layout::kColumnMajor, Layout::kSliced, Layout::kReversed,
                                Layout::kReversedColumns, Layout::kUnaligned}) {
      StagedMoments state = staged();
      stream(state, blocks, 5, dtype, layout);
      CHECK(same_bits(snapshot(state.settled()), snapshot(wanted.settled())));
    }
  }
}

TEST_CASE("batches of every dtype and byte order are what they are without waiting") {
  const std::string name = "x";
  for (const DType dtype : kDTypes) {
    CAPTURE(static_cast<int>(dtype));
    for (const bool swapped : {false, true}) {
      StagedMoments state = staged();
      Moments direct(backend());
      for (unsigned seed = 0; seed < 12; ++seed) {
        const Samples batch =
            random_samples(1 + seed % 3, 9, dtype, seed, Layout::kSliced, swapped);
        state.update({&name, 1}, {&batch.view, 1});
        direct.update({&name, 1}, {&batch.view, 1});
      }
      const Moments& found = state.settled();
      CHECK(found.n_samples() == direct.n_samples());
      CHECK(found.block(0).precision == direct.block(0).precision);
      const Dense tile = to_host(found.scatter(0, 0));
      const Dense other = to_host(direct.scatter(0, 0));
      for (Index j = 0; j < 9; ++j) {
        const double size = std::sqrt(other(j, j)) + std::abs(direct.block(0).mean[at(j)]);
        CHECK(std::abs(found.block(0).mean[at(j)] - direct.block(0).mean[at(j)]) <=
              kErrorLimit * kEps * size);
        for (Index i = 0; i < 9; ++i) {
          const double most = kErrorLimit * kEps * std::sqrt(other(i, i) * other(j, j));
          CHECK(std::abs(tile(i, j) - other(i, j)) <= most);
        }
      }
    }
  }
}

TEST_CASE("batches of another dtype do not mix, and the coarsest is remembered") {
  const auto blocks = two_blocks(40);
  StagedMoments state = staged();
  stream(state, blocks, 4);
  CHECK(state.block(0).precision == Precision::kFloat64);
  add(state, {rows_of(blocks[0], 0, 2), rows_of(blocks[1], 0, 2)}, DType::kFloat32);
  add(state, {rows_of(blocks[0], 2, 4), rows_of(blocks[1], 2, 4)});
  CHECK(state.n_samples() == 44);
  CHECK(state.block(0).precision == Precision::kFloat32);
  auto view = samples_of(rows_of(blocks[0], 0, 2));
  auto other = samples_of(rows_of(blocks[1], 0, 2));
  other.view.rounded_to = Precision::kFloat16;
  const std::vector<ArrayView> views{view.view, other.view};
  state.update(kNames, views);
  CHECK(state.block(0).precision == Precision::kFloat32);
  CHECK(state.block(1).precision == Precision::kFloat16);
}

TEST_CASE("a batch that is turned away is so when it comes, and those that wait stay") {
  const auto blocks = two_blocks(60);
  const double inf = std::numeric_limits<double>::infinity();
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), inf, -inf, 1e200}) {
    CAPTURE(bad);
    StagedMoments state = staged();
    stream(state, {rows_of(blocks[0], 0, 50), rows_of(blocks[1], 0, 50)}, 10);
    std::vector<Dense> spoiled{rows_of(blocks[0], 50, 54), rows_of(blocks[1], 50, 54)};
    spoiled[1](3, 2) = bad;
    const std::string text = refusal([&] { add(state, spoiled); });
    const std::string wanted = std::isfinite(bad) ? "y holds values so large" : "y has 1 value";
    CHECK(text.find(wanted) == 0);
    CHECK((text.find("sample 3, feature 2") != std::string::npos) == !std::isfinite(bad));
    CHECK(state.n_samples() == 50);
    stream(state, {rows_of(blocks[0], 50, 60), rows_of(blocks[1], 50, 60)}, 2);
    CHECK(error_of(state.settled(), blocks) < kErrorLimit);
  }
  StagedMoments state = staged();
  stream(state, blocks, 10);
  CHECK(refusal([&] { add(state, {blocks[0], rows_of(blocks[1], 0, 59)}); }) !=
        "nothing was thrown");
  CHECK(refusal([&] { add(state, {blocks[1], blocks[0]}); }) != "nothing was thrown");
  CHECK(refusal([&] { add(state, {Dense(0, 7), Dense(0, 3)}); }) != "nothing was thrown");
  CHECK(state.n_samples() == 60);
  CHECK(error_of(state.settled(), blocks) < kErrorLimit);
}

TEST_CASE(
    "what is too small or too far apart together is turned away with the batch it comes with") {
  const auto constant = [](double value) {
    Dense out(2, 3);
    std::fill(out.values.begin(), out.values.end(), value);
    return out;
  };
  struct Case {
    double before, now;
  };
  // The squares of both numbers vanish or are finite; that of their distance underflows or
  // overflows.
  for (const auto& [before, now] : {Case{0.0, 1e-200}, Case{1e-200, 0.0}, Case{1e-170, 3e-170},
                                    Case{0.0, 1e200}, Case{1e200, 0.0}, Case{1e200, 1.0}}) {
    CAPTURE(before);
    CAPTURE(now);
    StagedMoments state = staged();
    Moments direct(backend());
    for (int i = 0; i < 3; ++i) {
      add(state, {constant(before), constant(before)});
      add(direct, {constant(before), constant(before)});
    }
    const std::string text = refusal([&] { add(direct, {constant(now), constant(now)}); });
    CHECK(text != "nothing was thrown");
    CHECK(refusal([&] { add(state, {constant(now), constant(now)}); }) == text);
    CHECK(state.n_samples() == 6);
    CHECK(same_bits(snapshot(state.settled()), snapshot(direct)));
  }
}

TEST_CASE("reading between batches changes nothing but the order of additions") {
  const auto blocks = two_blocks(200);
  StagedMoments state = staged();
  StagedMoments copy = staged();
  for (Index first = 0; first < 200; first += 5) {
    add(state, {rows_of(blocks[0], first, first + 5), rows_of(blocks[1], first, first + 5)});
    CHECK(state.n_samples() == first + 5);
    if (first % 3 == 0) {
      copy = state.clone();
      CHECK(copy.n_samples() == first + 5);
      CHECK(same_bits(snapshot(copy.settled()), snapshot(state.settled())));
    }
  }
  CHECK(error_of(state.settled(), blocks) < kErrorLimit);
  CHECK(copy.n_samples() == 200);
}

TEST_CASE("states with samples that wait merge, with themselves too") {
  const auto blocks = two_blocks(200);
  StagedMoments state = staged();
  StagedMoments other = staged();
  stream(state, {rows_of(blocks[0], 0, 90), rows_of(blocks[1], 0, 90)}, 6);
  stream(other, {rows_of(blocks[0], 90, 200), rows_of(blocks[1], 90, 200)}, 6);
  state.merge(other);
  CHECK(state.n_samples() == 200);
  CHECK(other.n_samples() == 110);
  CHECK(error_of(state.settled(), blocks) < kErrorLimit);
  StagedMoments empty = staged();
  empty.merge(other);
  CHECK(empty.n_samples() == 110);
  state.merge(state);
  CHECK(state.n_samples() == 400);
}

TEST_CASE("single products and chosen pairs hold for samples that wait") {
  const auto blocks = two_blocks(200);
  StagedMoments single = staged(Products::kSingle);
  stream(single, blocks, 8, DType::kFloat32);
  CHECK(single.products() == Products::kSingle);
  const Moments whole = moments_of(blocks, DType::kFloat32);
  const Dense found = to_host(single.settled().scatter(0, 0));
  const Dense wanted = to_host(whole.scatter(0, 0));
  for (Index i = 0; i < 7; ++i) {
    CHECK(found(i, i) == doctest::Approx(wanted(i, i)).epsilon(1e-5));
  }

  const KeptPairs apart(2, {});
  StagedMoments state = staged();
  for (int i = 0; i < 5; ++i) {
    const Samples x = samples_of(rows_of(blocks[0], 0, 6));
    const Samples y = samples_of(rows_of(blocks[1], 0, 6));
    const std::vector<ArrayView> views{x.view, y.view};
    state.update(kNames, views, 0, apart);
    CHECK_THROWS_AS(state.update(kNames, views), std::invalid_argument);
  }
  CHECK(state.n_samples() == 30);
  CHECK_THROWS_AS(state.settled().scatter(1, 0), std::out_of_range);
  CHECK(to_host(state.settled().scatter(1, 1)).rows == 3);
}

TEST_CASE("more samples than can be counted are turned away before they wait") {
  const Moments small = moments_of({random_matrix(9, 2, 32)});
  std::vector<std::vector<Matrix>> scatter(1);
  scatter[0].push_back(backend().copy(small.scatter(0, 0)));
  constexpr Index kMost = std::numeric_limits<Index>::max();
  StagedMoments state(Moments::restore(backend(), kMost - 5, {small.block(0)}, std::move(scatter)),
                      kCapacity);
  const Samples batch = samples_of(random_matrix(3, 2, 1));
  const std::string name = small.block(0).name;
  state.update({&name, 1}, {&batch.view, 1});
  CHECK_THROWS_AS(state.update({&name, 1}, {&batch.view, 1}), std::length_error);
  CHECK(state.settled().n_samples() == kMost - 2);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("interrupts");

TEST_CASE("samples that wait do so until they have been accumulated without an interrupt") {
  const auto blocks = two_blocks(80);
  StagedMoments wanted = staged();
  StagedMoments state = staged();
  for (StagedMoments* each : {&wanted, &state}) {
    stream(*each, {rows_of(blocks[0], 0, 74), rows_of(blocks[1], 0, 74)}, 10);
  }
  const Snapshot expected = snapshot(wanted.settled());
  if (backend().stages()) {
    for (const long point : {0, 1}) {
      InterruptAfter interrupt(point);
      CHECK_THROWS_AS(state.settled(), Interrupt);
      CHECK(state.n_samples() == 74);
    }
  }
  CHECK(same_bits(snapshot(state.settled()), expected));
}

namespace {

// Reads a state in the midst of what is done with it, as the handler of a signal may.
class ReadAt final : public InterruptScope {
 public:
  ReadAt(const StagedMoments& state, long checks) : state_(state), left_(checks) {}
  void check() override {
    if (left_-- == 0) {
      seen = state_.settled().n_samples();
    }
  }
  Index seen = 0;

 private:
  const StagedMoments& state_;
  long left_;
};

}  // namespace

TEST_CASE("a read in the midst of another one counts every sample once") {
  const auto blocks = two_blocks(48);
  for (const bool by_update : {false, true}) {
    for (const long point : {0, 1}) {
      CAPTURE(by_update);
      CAPTURE(point);
      StagedMoments state = staged();
      stream(state, {rows_of(blocks[0], 0, 40), rows_of(blocks[1], 0, 40)}, 8);
      {
        ReadAt reader(state, backend().stages() ? point : 0);
        if (by_update) {  // too large to wait
          add(state, {rows_of(blocks[0], 0, 40), rows_of(blocks[1], 0, 40)});
        } else {
          state.settled();
        }
        CHECK((reader.seen == 40 || (!backend().stages() && !by_update)));
      }
      CHECK(state.settled().n_samples() == (by_update ? 80 : 40));
      std::vector<Dense> seen;
      for (const Dense& block : blocks) {
        Dense all(by_update ? 80 : 40, block.cols);
        for (Index j = 0; j < all.cols; ++j) {
          for (Index i = 0; i < all.rows; ++i) {
            all(i, j) = block(i % 40, j);
          }
        }
        seen.push_back(all);
      }
      CHECK(error_of(state.settled(), seen) < kErrorLimit);
    }
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
