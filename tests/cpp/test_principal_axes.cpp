// Principal axes and their truncation, and what a whitener says of loadings and lost directions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/cca.hpp"
#include "core/whitener.hpp"
#include "data.hpp"
#include "known_data.hpp"

namespace fastcca::testing {

namespace {

Dense covariance(const Moments& moments, Index i = 0) {
  return scaled(to_host(moments.scatter(i, i)), 1.0 / static_cast<double>(moments.n_samples() - 1));
}

PrincipalAxes axes_of(const Moments& moments) {
  return principal_axes(algebra(), covariance_of(moments, 0));
}

// Columns of uncorrelated variables with these standard deviations, rotated.
Dense with_deviations(Index n, const std::vector<double>& deviations, unsigned seed) {
  const auto p = static_cast<Index>(deviations.size());
  const Dense scores = scaled(uncorrelated(n, p, seed), std::sqrt(static_cast<double>(n - 1)));
  return product(product(scores, diagonal_matrix(deviations)), random_orthonormal(p, p, seed + 1));
}

Truncation by_variance(double share) { return {Truncation::By::kVariance, share, 0}; }
Truncation by_singular_values(double share) { return {Truncation::By::kSingularValues, share, 0}; }
Truncation by_count(Index count) { return {Truncation::By::kCount, 1.0, count}; }

// A third unit that is real, and smaller than the rounding of what the two others differ by.
struct Outranked {
  Matrix scatter;
  BlockCovariance block;

  Outranked() {
    Dense s = diagonal_matrix({1.0, 1.0, 0.01});
    s(0, 1) = 0.95;
    s(1, 0) = 0.95;
    scatter = to_backend(s);
    block = {&scatter, 1.0, {1e12, 1e12, 0.01}, 0x1p-23};
  }
};

// Moments of a block whose correlation matrix is this one.
struct ByHand {
  Matrix scatter;
  BlockCovariance block;

  ByHand(const Dense& s, double input_epsilon)
      : scatter(to_backend(s)),
        block{&scatter, 1.0, std::vector<double>(at(s.rows), 1.0), input_epsilon} {}
  Index undecided() const { return Whitener(algebra(), block, 0.0).undecided(); }
};

// Ones on the diagonal, and two units whose difference has this eigenvalue.
Dense nearly_equal(Index p, double eigenvalue) {
  Dense s = identity(p);
  s(0, 1) = 1.0 - eigenvalue;
  s(1, 0) = 1.0 - eigenvalue;
  return s;
}

double loading_error(const Dense& cov, const Whitener& whitener) {
  const Dense u = random_matrix(whitener.rank(), 3, 801);
  const Dense w = to_host(whitener.weights(to_backend(u)));
  const Dense wanted = product(cov, w);
  return norm(difference(to_host(whitener.loadings(to_backend(u))), wanted)) / norm(wanted);
}

}  // namespace

TEST_SUITE_BEGIN("principal axes");

TEST_CASE("variances descend, and axes are the eigenvectors of the covariance") {
  const std::vector<double> deviations{10.0, 3.0, 1.0, 0.1, 1e-3};
  const Moments moments = moments_of({with_deviations(200, deviations, 811)});
  const PrincipalAxes axes = axes_of(moments);
  REQUIRE(axes.variances.size() == 5);
  CHECK(axes.real == index_range(5));
  for (std::size_t k = 0; k < 5; ++k) {
    CHECK(std::abs(axes.variances[k] - deviations[k] * deviations[k]) < 1e-12);
  }
  const Dense v = to_host(axes.axes);
  CHECK(orthogonality_ratio(v) < kRatioLimit);
  const Dense s = covariance(moments);
  CHECK(norm(difference(product(s, v), product(v, diagonal_matrix(axes.variances)))) < 1e-12);
}

TEST_CASE("variances are never negative, and axes of rounding are not real") {
  const Dense x = product(random_matrix(300, 4, 812), random_matrix(4, 20, 813));
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const PrincipalAxes axes = axes_of(moments_of({x}, dtype));
    CHECK(axes.real == index_range(4));
    CHECK(std::is_sorted(axes.variances.rbegin(), axes.variances.rend()));
    CHECK(axes.variances.back() >= 0.0);
    CHECK(kept_axes(axes, by_variance(1.0)) == index_range(4));
    CHECK(kept_axes(axes, by_singular_values(1.0)) == index_range(4));
    CHECK(kept_axes(axes, by_count(20)) == index_range(4));
  }
}

TEST_CASE("the axis that crosses the threshold is kept, by variances or by singular values") {
  // Variances 16, 4, 1, 1; singular values 4, 2, 1, 1.
  const PrincipalAxes axes = axes_of(moments_of({with_deviations(100, {4.0, 2.0, 1.0, 1.0}, 814)}));
  const auto kept = [&](const Truncation& t) { return kept_axes(axes, t).size(); };
  CHECK(kept(by_variance(0.0)) == 0);
  CHECK(kept(by_variance(1e-9)) == 1);
  CHECK(kept(by_variance(15.9 / 22.0)) == 1);
  CHECK(kept(by_variance(16.1 / 22.0)) == 2);
  CHECK(kept(by_variance(19.9 / 22.0)) == 2);
  CHECK(kept(by_variance(20.1 / 22.0)) == 3);
  CHECK(kept(by_variance(21.1 / 22.0)) == 4);
  CHECK(kept(by_variance(1.0)) == 4);
  CHECK(kept(by_singular_values(0.0)) == 0);
  CHECK(kept(by_singular_values(3.9 / 8.0)) == 1);
  CHECK(kept(by_singular_values(4.1 / 8.0)) == 2);
  CHECK(kept(by_singular_values(6.1 / 8.0)) == 3);
  CHECK(kept(by_singular_values(7.1 / 8.0)) == 4);
  CHECK(kept(by_singular_values(1.0)) == 4);
  for (const Index count : {0, 1, 3, 4}) {
    CHECK(kept_axes(axes, by_count(count)) == index_range(count));
  }
  CHECK(kept(by_count(100)) == 4);
}

TEST_CASE("rounding that outranks a real axis is skipped") {
  const Outranked outranked;
  const PrincipalAxes axes = principal_axes(algebra(), outranked.block);
  CHECK(axes.real == std::vector<Index>{0, 2});
  CHECK(axes.variances[1] == doctest::Approx(0.05));
  CHECK(kept_axes(axes, by_count(1)) == std::vector<Index>{0});
  CHECK(kept_axes(axes, by_count(2)) == std::vector<Index>{0, 2});
  CHECK(kept_axes(axes, by_count(3)) == std::vector<Index>{0, 2});
  // Shares are of the real axes alone: 1.95 of 1.96.
  CHECK(kept_axes(axes, by_variance(0.99)) == std::vector<Index>{0});
  CHECK(kept_axes(axes, by_variance(0.999)) == std::vector<Index>{0, 2});
  CHECK(kept_axes(axes, by_singular_values(0.93)) == std::vector<Index>{0});
  CHECK(kept_axes(axes, by_singular_values(0.94)) == std::vector<Index>{0, 2});
  const auto kept = kept_axes(axes, by_count(2));
  const Whitener whitener(algebra(), axes, kept);
  CHECK(whitener.rank() == 2);
  CHECK(whitener.condition() == doctest::Approx(std::sqrt(195.0)).epsilon(1e-12));
  const Dense w = to_host(whitener.weights(to_backend(identity(2))));
  const Dense s = to_host(outranked.scatter);
  CHECK(norm(difference(product(product(transposed(w), s), w), identity(2))) < 1e-12);
  CHECK(loading_error(s, whitener) < 1e-13);
}

TEST_CASE("dead units have no part in any axis") {
  Dense x = random_matrix(150, 5, 815);
  for (Index i = 0; i < 150; ++i) {
    x(i, 1) = -1e20;
    x(i, 3) = 0.0;
  }
  const PrincipalAxes axes = axes_of(moments_of({x}));
  CHECK(axes.real == index_range(3));
  const Dense v = to_host(axes.axes);
  REQUIRE(v.cols == 3);
  REQUIRE(axes.variances.size() == 3);
  for (Index k = 0; k < 3; ++k) {
    CHECK(v(1, k) == 0.0);
    CHECK(v(3, k) == 0.0);
  }

  const PrincipalAxes none = axes_of(moments_of({Dense(20, 3)}));
  CHECK(none.real.empty());
  CHECK(none.variances.empty());
  for (const Truncation& t : {by_variance(0.99), by_singular_values(0.99), by_count(2)}) {
    const auto kept = kept_axes(none, t);
    CHECK(kept.empty());
    CHECK(Whitener(algebra(), none, kept).rank() == 0);
  }
}

TEST_CASE("the rounding of a dead unit on a scale of its own is in no variate") {
  Dense x = random_matrix(150, 5, 821);
  for (Index i = 0; i < 150; ++i) {
    x(i, 1) = -1e34 * (1.0 + static_cast<double>(i % 3) * kEps);
  }
  const Moments moments = moments_of({x});
  const PrincipalAxes axes = axes_of(moments);
  REQUIRE(axes.real == index_range(4));
  const Whitener whitener(algebra(), axes, axes.real);
  const Dense w = to_host(whitener.weights(to_backend(identity(4))));
  const Dense found = product(product(transposed(w), covariance(moments)), w);
  CHECK(norm(difference(found, identity(4))) < 1e-12);
}

TEST_CASE("a comparison of leading axes is that of the samples projected on them") {
  const Dense x = with_deviations(200, {9.0, 5.0, 2.0, 1.0, 0.5}, 816);
  Dense y = with_deviations(200, {7.0, 4.0, 1.5, 0.4}, 817);
  for (Index i = 0; i < 200; ++i) {
    y(i, 0) += x(i, 1);
    y(i, 2) -= 2.0 * x(i, 0);
  }
  const Moments moments = moments_of({x, y});
  const auto projected = [&](const Dense& data, Index block, Index count) {
    const Dense v = to_host(principal_axes(algebra(), covariance_of(moments, block)).axes);
    Dense leading(v.rows, count);
    std::copy_n(v.values.begin(), v.rows * count, leading.values.begin());
    return product(data, leading);
  };
  for (const auto& [kx, ky] : {std::pair<Index, Index>{1, 1}, {3, 2}, {2, 4}, {5, 4}}) {
    CAPTURE(kx);
    CAPTURE(ky);
    const auto wanted =
        solve_cca(moments_of({projected(x, 0, kx), projected(y, 1, ky)}), 0, 1, {}).correlations;
    CcaOptions options;
    options.x_keep = by_count(kx);
    options.y_keep = by_count(ky);
    const CcaSolution s = solve_cca(moments, 0, 1, options);
    check_correlations(s.correlations, wanted, 1e-12);
    CHECK(s.x.kept == kx);
    CHECK(s.x.rank == 5);
    CHECK(s.y.kept == ky);
    CHECK(s.y.rank == 4);
    const Dense a = to_host(*s.x.weights);
    const Dense sxx = covariance(moments, 0);
    CHECK(norm(difference(product(product(transposed(a), sxx), a),
                          identity(static_cast<Index>(wanted.size())))) < 1e-12);
    CHECK(norm(difference(product(sxx, a), to_host(*s.x.loadings))) < 1e-12 * norm(sxx));
    std::swap(options.x_keep, options.y_keep);
    const CcaSolution swapped = solve_cca(moments, 1, 0, options);
    check_correlations(swapped.correlations, wanted, 1e-12);
    CHECK(swapped.x.kept == ky);
    CHECK(swapped.y.rank == 5);
  }
}

TEST_CASE("loadings are the covariance times the weights, by Cholesky and by eigenvectors") {
  const Dense full = random_matrix(300, 6, 818);
  Dense repeated(300, 9);
  for (Index i = 0; i < 300; ++i) {
    for (Index j = 0; j < 6; ++j) {
      repeated(i, j) = std::pow(10.0, static_cast<double>(j) - 3.0) * full(i, j) + 2.0;
    }
    repeated(i, 6) = full(i, 0) - full(i, 3);
    repeated(i, 7) = 5.0;
    repeated(i, 8) = full(i, 2);
  }
  for (const Dense& x : {full, repeated}) {
    const Moments moments = moments_of({x});
    for (const double ridge : {0.0, 1e-8, 0.1, 10.0}) {
      CAPTURE(x.cols);
      CAPTURE(ridge);
      const Whitener whitener(algebra(), covariance_of(moments, 0), ridge);
      CHECK(whitener.rank() == 6);
      CHECK(loading_error(covariance(moments), whitener) < 1e-12);
    }
  }
}

TEST_CASE("directions that only the covariance has lost are undecided") {
  CHECK(ByHand(identity(4), kEps).undecided() == 0);
  CHECK(ByHand(nearly_equal(4, 1e-9), kEps).undecided() == 0);      // kept
  CHECK(ByHand(nearly_equal(4, 1e-15), kEps).undecided() == 1);     // float64 could hold it
  CHECK(ByHand(nearly_equal(4, 0.0), kEps).undecided() == 1);       // or not: it cannot be seen
  CHECK(ByHand(nearly_equal(4, 1e-15), 0x1p-23).undecided() == 0);  // float32 could not
  CHECK(ByHand(nearly_equal(4, 0.0), 0x1p-10).undecided() == 0);
  Dense with_dead = nearly_equal(4, 1e-9);
  with_dead(3, 3) = 0.0;
  CHECK(ByHand(with_dead, kEps).undecided() == 0);

  const Known data = known_with_condition(300, 6, 3, {0.9, 0.5, 0.1}, 1e10, 819);
  const CcaSolution s = solve_cca(moments_of({data.x, random_matrix(300, 3, 820)}), 0, 1, {});
  CHECK(s.x.rank < 6);
  CHECK(s.x.undecided == 6 - s.x.rank);
  CHECK(s.y.undecided == 0);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
