// Measures of more features than samples: rotated into as many dimensions as they have, the same
// samples must give the same numbers by their moments.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/errors.hpp"
#include "core/few_samples.hpp"
#include "core/rank_rule.hpp"
#include "data.hpp"
#include "interrupts.hpp"
#include "known_data.hpp"

namespace fastcca::testing {

namespace {

constexpr Index kSamples = 40;
constexpr Decomposed kBoth[] = {Decomposed::kGram, Decomposed::kData};

// Samples as a caller has them, and the block that reads them.
struct Given {
  Samples samples;
  SampledBlock block;

  explicit Given(const Dense& values, DType dtype = DType::kFloat64,
                 Layout layout = Layout::kRowMajor)
      : samples(samples_of(values, dtype, layout)), block(backend(), "x", samples.view) {}
};

// The same samples in p features, far from 0.
Dense widened(const Dense& narrow, Index p, unsigned seed, double offset = 3.0) {
  Dense out = product(narrow, transposed(random_orthonormal(p, narrow.cols, seed)));
  for (double& v : out.values) {
    v += offset;
  }
  return out;
}

// Layers with a spectrum that falls by 100, and what they share.
struct Layers {
  Dense x, y;

  explicit Layers(unsigned seed) : x(random_matrix(kSamples, 9, seed)) {
    y = product(x, random_matrix(9, 5, seed + 1));
    const Dense own = random_matrix(kSamples, 5, seed + 2);
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      y.values[i] += 2.0 * own.values[i];
    }
    x = product(x, diagonal_matrix({1.0, 0.8, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01}));
  }
};

Dense centred(Dense a) {
  for (Index j = 0; j < a.cols; ++j) {
    long double mean = 0.0L;
    for (Index i = 0; i < a.rows; ++i) {
      mean += a(i, j);
    }
    for (Index i = 0; i < a.rows; ++i) {
      a(i, j) = static_cast<double>(a(i, j) - mean / a.rows);
    }
  }
  return a;
}

// Variates are uncorrelated and of unit variance, and loadings are covariances with them.
void check_side(const Dense& samples, const CcaSideOf<double>& side, double tolerance) {
  const Dense x = centred(samples);
  const Dense variates = product(x, to_host(*side.weights));
  const double degrees = static_cast<double>(x.rows - 1);
  CHECK(norm(difference(scaled(product(transposed(variates), variates), 1.0 / degrees),
                        identity(variates.cols))) < tolerance);
  const Dense wanted = scaled(product(transposed(x), variates), 1.0 / degrees);
  CHECK(norm(difference(to_host(*side.loadings), wanted)) < tolerance * norm(x));
}

}  // namespace

TEST_SUITE_BEGIN("few samples");

TEST_CASE("canonical correlations of wide blocks are those of their dimensions") {
  const std::vector<double> wanted{0.95, 0.7, 0.4, 0.01};
  const Known data = known(kSamples, 6, 4, wanted, 1001);
  const Dense wide_x = widened(data.x, 90, 1002);
  const Dense wide_y = widened(data.y, 57, 1003);
  for (const auto& [x, y] : {std::pair(wide_x, wide_y), {wide_x, data.y}, {data.x, wide_y}}) {
    for (const Decomposed by : kBoth) {
      for (const Layout layout : {Layout::kRowMajor, Layout::kColumnMajor, Layout::kReversed}) {
        const Given of_x(x, DType::kFloat64, layout);
        const Given of_y(y);
        const SampledCca found = solve_cca(of_x.block, of_y.block, {}, by);
        check_correlations(found.solution.correlations, wanted, 1e-11);
        // Float64 could hold more than these dimensions, and a Gram matrix could not tell.
        CHECK(found.by == Decomposed::kData);
        CHECK(found.solution.x.rank == 6);
        CHECK(found.solution.y.kept == 4);
        check_side(x, found.solution.x, 1e-10);
        check_side(y, found.solution.y, 1e-10);
      }
    }
  }
}

TEST_CASE("whatever is not wide is what its moments say it is") {
  const Layers data(1011);
  const Moments moments = moments_of({data.x, data.y});
  const Given x(data.x);
  const Given y(data.y);
  for (const double ridge : {0.0, 0.1}) {
    CcaOptions options;
    options.ridge = ridge;
    const CcaSolution wanted = solve_cca(moments, 0, 1, options);
    const CcaSolution found = solve_cca(x.block, y.block, options, Decomposed::kGram).solution;
    check_correlations(found.correlations, wanted.correlations, 1e-12);
    CHECK(found.x.condition == doctest::Approx(wanted.x.condition).epsilon(1e-10));
    CHECK(found.sum_of_squares == doctest::Approx(wanted.sum_of_squares));
  }
  const Regression wanted = linear_regression(moments, 0, 1);
  const Regression found = linear_regression(x.block, y.block, 0.0);
  CHECK(found.r2 == doctest::Approx(wanted.r2).epsilon(1e-12));
  CHECK(found.x_condition == doctest::Approx(wanted.x_condition).epsilon(1e-10));
}

TEST_CASE("measures of no other scale than their own do not change by a rotation") {
  const Layers data(1021);
  const Moments moments = moments_of({data.x, data.y});
  const Dense wide_x = widened(data.x, 130, 1022);
  const Given x(wide_x);
  const Given y(widened(data.y, 41, 1023));
  const Given narrow(data.y);

  CcaOptions options;
  options.x_keep = Truncation{Truncation::By::kCount, 1.0, 4};
  options.y_keep = Truncation{Truncation::By::kVariance, 0.9, 0};
  const CcaSolution svcca = solve_cca(moments, 0, 1, options);
  const PlsSolution pls = solve_pls(moments, 0, 1);
  for (const SampledBlock* other : {&y.block, &narrow.block}) {
    for (const Decomposed by : kBoth) {
      const auto [found, used] = solve_cca(x.block, *other, options, by);
      CHECK(used == by);
      check_correlations(found.correlations, svcca.correlations, 1e-12);
      CHECK(found.x.kept == 4);
      CHECK(found.x.rank == 9);
      CHECK(found.y.kept == svcca.y.kept);
      CHECK(found.x.condition == doctest::Approx(svcca.x.condition).epsilon(1e-9));
      check_side(wide_x, found.x, 1e-11);
    }
    const PlsSolution found = solve_pls(x.block, *other);
    for (std::size_t k = 0; k < 5; ++k) {
      CHECK(found.singular_values[k] == doctest::Approx(pls.singular_values[k]).epsilon(1e-11));
    }
    CHECK(orthogonality_ratio(to_host(found.x_weights)) < kRatioLimit);
    CHECK(linear_cka(x.block, *other) == doctest::Approx(linear_cka(moments, 0, 1)).epsilon(1e-12));
    CHECK(procrustes(x.block, *other) == doctest::Approx(procrustes(moments, 0, 1)).epsilon(1e-12));
    CHECK(linear_regression(x.block, *other, 0.0).r2 ==
          doctest::Approx(linear_regression(moments, 0, 1).r2).epsilon(1e-11));
  }
  CHECK(linear_cka(x.block, x.block) == doctest::Approx(1.0).epsilon(1e-14));
  CHECK(procrustes(x.block, x.block) == doctest::Approx(1.0).epsilon(1e-13));
}

TEST_CASE("there are as many principal axes as samples, and those of rounding are not real") {
  const Layers data(1031);
  const auto wanted = principal_axes(algebra(), covariance_of(moments_of({data.x}), 0)).variances;
  const Given wide(widened(data.x, 75, 1032));
  const PrincipalAxes found = principal_axes(wide.block, 0.0);
  CHECK(static_cast<Index>(found.variances.size()) == kSamples);
  CHECK(found.real == index_range(9));
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    CHECK(found.variances[k] == doctest::Approx(wanted[k]).epsilon(1e-10));
  }
  CHECK(orthogonality_ratio(to_host(found.axes)) < kRatioLimit);
  CHECK(principal_axes(wide.block, 0.04).real.size() < 9);
}

TEST_CASE("where the Gram matrix has lost digits, the data are decomposed") {
  std::vector<double> spectrum;
  for (int k = 0; k < 12; ++k) {
    spectrum.push_back(std::pow(10.0, -0.8 * k));
  }
  const Dense scores = product(uncorrelated(kSamples, 12, 1041), diagonal_matrix(spectrum));
  const Given x(widened(scores, 200, 1042, 0.0));
  const Given y(random_matrix(kSamples, 50, 1043));
  CcaOptions options;
  const auto keep = [&](Index count) {
    options.x_keep = Truncation{Truncation::By::kCount, 1.0, count};
    options.y_keep = Truncation{Truncation::By::kCount, 1.0, 3};
    return solve_cca(x.block, y.block, options, Decomposed::kGram);
  };
  CHECK(keep(3).by == Decomposed::kGram);
  CHECK(keep(3).solution.x.kept == 3);
  CHECK(keep(12).by == Decomposed::kData);
  CHECK(keep(12).solution.x.kept == 12);
  CHECK_FALSE(rank_rule::loses_digits(100.0, kEps));
  CHECK(rank_rule::loses_digits(1e4, kEps));
  CHECK_FALSE(rank_rule::loses_digits(1e4, 0x1p-23));
  CHECK(rank_rule::loses_digits(std::nan(""), kEps));
}

TEST_CASE("the rank is that of the data, whatever their dtype and means") {
  for (const double offset : {0.0, 100.0, 1e4}) {
    const Dense x = product(random_matrix(kSamples, 8, 1051), random_matrix(8, 60, 1052));
    Dense rounded = x;
    for (double& v : rounded.values) {
      v = static_cast<double>(static_cast<float>(v + offset));
    }
    const Given block(rounded, DType::kFloat32);
    for (const Decomposed by : kBoth) {
      CAPTURE(offset);
      CHECK(solve_cca(block.block, block.block, {}, by).solution.x.rank == 8);
    }
    CHECK(principal_axes(block.block, 0.0).real.size() == 8);
  }
}

TEST_CASE("means of 1e8 cost no digits that the samples have") {
  const Dense x = random_matrix(kSamples, 64, 1061);
  Dense far = x;
  Dense near = x;
  for (std::size_t i = 0; i < far.values.size(); ++i) {
    far.values[i] += 1e8;
    near.values[i] = far.values[i] - 1e8;
  }
  const Given y(random_matrix(kSamples, 3, 1062));
  CHECK(linear_cka(Given(far).block, y.block) ==
        doctest::Approx(linear_cka(Given(near).block, y.block)).epsilon(1e-14));
  CHECK(Given(far).block.norm() == doctest::Approx(Given(near).block.norm()).epsilon(1e-15));
}

TEST_CASE("dead features have no part in anything") {
  Dense x = widened(Layers(1071).x, 80, 1072);
  for (Index i = 0; i < kSamples; ++i) {
    x(i, 7) = 0.1;
    x(i, 70) = -1e20;
  }
  const Given of_x(x);
  const Given y(random_matrix(kSamples, 4, 1073));
  for (const Decomposed by : kBoth) {
    const CcaSolution found = solve_cca(of_x.block, y.block, {}, by).solution;
    CHECK(found.x.dead == std::vector<Index>{7, 70});
    const Dense weights = to_host(*found.x.weights);
    const Dense loadings = to_host(*found.x.loadings);
    for (const Index j : {7, 70}) {
      CHECK(weights(j, 0) == 0.0);
      CHECK(loadings(j, 0) == 0.0);
    }
  }
  const Given constant(Dense(kSamples, 60));
  CHECK(linear_cka(constant.block, y.block) == 0.0);
  CHECK(procrustes(constant.block, y.block) == 0.0);
  CHECK(linear_regression(constant.block, y.block, 0.0).r2 == 0.0);
  CHECK(linear_regression(y.block, constant.block, 0.0).r2 == 0.0);
  CHECK(solve_pls(constant.block, y.block).singular_values == std::vector<double>(4, 0.0));
  for (const Decomposed by : kBoth) {
    const CcaSolution none = solve_cca(constant.block, y.block, {}, by).solution;
    CHECK(none.correlations.empty());
    CHECK(none.x.weights->rows() == 60);
    CHECK(none.y.weights->cols() == 0);
  }
}

TEST_CASE("samples are refused as a state refuses them") {
  Dense x = random_matrix(kSamples, 64, 1081);
  const auto refused = [&](double value) {
    Dense bad = x;
    bad(3, 50) = value;
    return refusal([&] { Given given(bad); });
  };
  CHECK(contains(refused(std::nan("")), "x has 1 value that is not finite; the first is nan"));
  CHECK(contains(refused(-INFINITY), "-inf at sample 3, feature 50"));
  CHECK(contains(refused(1e200), "x holds values so large that their squares overflow"));
  CHECK_THROWS_AS(Given{scaled(x, 1e200)}, ScaleError);
  CHECK(contains(refusal([&] { Given given(scaled(x, 1e-200)); }), "x varies by so little"));
  const Samples one = samples_of(random_matrix(1, 5, 1082));
  const std::vector<std::string> names{"x", "y"};
  const std::vector<ArrayView> views{one.view, one.view};
  CHECK(contains(refusal([&] { sampled_blocks(backend(), names, views); }),
                 "a comparison needs at least 2 samples, but x and y have 1"));
}

TEST_CASE("a long call ends where it is interrupted") {
  const Given x(random_matrix(kSamples, 400, 1091));
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { solve_cca(x.block, x.block, {}, Decomposed::kGram); },
           [&] { solve_pls(x.block, x.block); }, [&] { linear_cka(x.block, x.block); },
           [&] { Given given(random_matrix(kSamples, 400, 1092)); }}) {
    InterruptAfter interrupt(0);
    CHECK_THROWS_AS(call(), Interrupt);
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
