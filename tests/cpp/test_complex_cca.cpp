// CCA of complex samples, which are accumulated as their real and imaginary parts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "complex_data.hpp"
#include "core/cca.hpp"
#include "core/google_cca.hpp"
#include "known_data.hpp"

namespace fastcca::testing {

namespace {

// Blocks 0 and 1 are the parts of x, 2 and 3 those of y.
Moments moments_of_parts(const ComplexDense& x, const ComplexDense& y) {
  return moments_of({real_part(x), imaginary_part(x), real_part(y), imaginary_part(y)});
}

constexpr ComplexBlock kX{0, 1};
constexpr ComplexBlock kY{2, 3};

ComplexDense centred(const ComplexDense& x) {
  const Reference real = reference_of(real_part(x));
  const Reference imaginary = reference_of(imaginary_part(x));
  ComplexDense out = x;
  for (Index j = 0; j < x.cols; ++j) {
    for (Index i = 0; i < x.rows; ++i) {
      out(i, j) -= Complex(real.mean[at(j)], imaginary.mean[at(j)]);
    }
  }
  return out;
}

ComplexDense scatter(const ComplexDense& x, const ComplexDense& y) {
  return product(adjoint(centred(x)), centred(y));
}

struct Related {
  ComplexDense x;
  ComplexDense y;
};

Related related(Index n, Index p, Index q, unsigned seed) {
  Related out{complex_random(n, p, seed), complex_random(n, q, seed + 1)};
  for (Index j = 0; j < std::min(p, q); ++j) {
    for (Index i = 0; i < n; ++i) {
      out.y(i, j) += Complex(0.5, 1.0 + static_cast<double>(j)) * out.x(i, j) + Complex(3.0, -7.0);
    }
  }
  return out;
}

CcaSolutionOf<Complex> solve(const ComplexDense& x, const ComplexDense& y,
                             const CcaOptions& options = {}) {
  return solve_cca(moments_of_parts(x, y), kX, kY, options);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
  }
  return worst;
}

ComplexDense between(const ComplexDense& a, const ComplexDense& cov, const ComplexDense& b) {
  return product(product(adjoint(a), cov), b);
}

}  // namespace

TEST_SUITE_BEGIN("complex cca");

TEST_CASE("the pair holds the sums over conjugated samples, and their energies") {
  const Related data = related(60, 4, 3, 701);
  const Moments moments = moments_of_parts(data.x, data.y);
  const ComplexMatrix xx = complex_scatter(moments, kX, kX);
  const ComplexMatrix yy = complex_scatter(moments, kY, kY);
  const auto x_block = covariance_of(moments, kX, xx);
  const auto y_block = covariance_of(moments, kY, yy);
  CHECK(x_block.degrees == 59.0);
  CHECK(y_block.degrees == 59.0);
  const auto close = [](const ComplexMatrix& found, const ComplexDense& wanted) {
    return norm(difference(to_host(found), wanted)) < 1e-13 * norm(wanted);
  };
  CHECK(close(xx, scatter(data.x, data.x)));
  CHECK(close(yy, scatter(data.y, data.y)));
  CHECK(close(complex_scatter(moments, kX, kY), scatter(data.x, data.y)));
  for (const auto& [block, x] : {std::pair(&x_block, &data.x), std::pair(&y_block, &data.y)}) {
    REQUIRE(block->energy.size() == at(x->cols));
    const ComplexDense c = centred(*x);
    for (Index j = 0; j < x->cols; ++j) {
      double variance = 0.0;
      Complex mean = (*x)(0, j) - c(0, j);
      for (Index i = 0; i < x->rows; ++i) {
        variance += std::norm(c(i, j)) / 59.0;
      }
      CHECK(block->energy[at(j)] == doctest::Approx(std::norm(mean) + variance).epsilon(1e-12));
    }
  }
  // The other way round, out of the same tiles.
  CHECK(close(complex_scatter(moments, kY, kX), scatter(data.y, data.x)));
}

TEST_CASE("energies that are given replace what the samples say") {
  const Related data = related(40, 2, 2, 702);
  const Moments moments = moments_of_parts(data.x, data.y);
  const std::vector<double> energy{5.0, 6.0};
  const ComplexMatrix xx = complex_scatter(moments, kX, kX);
  CHECK(covariance_of(moments, kX, xx, energy).energy == energy);
  CHECK(covariance_of(moments, kX, xx).energy != energy);
  // So much energy that every unit is rounding.
  const std::vector<double> flood{1e40, 1e40};
  const auto s = solve_cca(moments, kX, kY, {}, flood);
  CHECK(s.x.rank == 0);
  CHECK(s.x.dead == std::vector<Index>{0, 1});
  CHECK(s.correlations.empty());
}

TEST_CASE("the coarser of both parts is the precision of the pair") {
  const Dense values = random_matrix(20, 2, 712);
  const Samples fine = samples_of(values);
  const Samples coarse = samples_of(values, DType::kFloat32);
  const std::vector<std::string> names{"real", "imaginary"};
  const ArrayView views[] = {fine.view, coarse.view};
  Moments moments(backend());
  moments.update(names, views);
  for (const ComplexBlock& block : {ComplexBlock{0, 1}, ComplexBlock{1, 0}}) {
    const ComplexMatrix own = complex_scatter(moments, block, block);
    CHECK(covariance_of(moments, block, own).input_epsilon == 0x1p-23);
  }
}

TEST_CASE("samples without imaginary part: the real answer") {
  const Known data = known(100, 4, 3, {0.9, 0.5, 0.1}, 703);
  const Moments moments = moments_of({data.x, data.y});
  const auto s = solve_cca(moments, ComplexBlock{0, {}}, ComplexBlock{1, {}}, {});
  check_correlations(s.correlations, data.correlations, 1e-12);

  // One side real, the other complex, in both orders.
  const Related mixed = related(80, 3, 2, 704);
  const Moments three =
      moments_of({real_part(mixed.x), real_part(mixed.y), imaginary_part(mixed.y)});
  const ComplexDense real_x = complex_of(real_part(mixed.x), Dense(80, 3));
  const ComplexBlock x{0, std::nullopt};
  const ComplexBlock y{1, 2};
  const auto wanted = scatter(real_x, mixed.y);
  CHECK(norm(difference(to_host(complex_scatter(three, x, y)), wanted)) < 1e-12);
  CHECK(norm(difference(to_host(complex_scatter(three, y, x)), adjoint(wanted))) < 1e-12);
  const auto a = solve_cca(three, x, y, {});
  const auto b = solve_cca(three, y, x, {});
  CHECK(largest_difference(a.correlations, b.correlations) < 1e-13);
}

TEST_CASE("weights whiten, and loadings are covariances with the variates") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {5, 3}, {3, 8}}) {
    const Related data = related(200, p, q, 705);
    const auto s = solve(data.x, data.y);
    const auto k = static_cast<Index>(s.correlations.size());
    REQUIRE(k == std::min(p, q));
    CHECK(std::is_sorted(s.correlations.rbegin(), s.correlations.rend()));
    const ComplexDense sxx = scaled(scatter(data.x, data.x), 1.0 / 199.0);
    const ComplexDense syy = scaled(scatter(data.y, data.y), 1.0 / 199.0);
    const ComplexDense sxy = scaled(scatter(data.x, data.y), 1.0 / 199.0);
    const ComplexDense a = to_host(*s.x.weights);
    const ComplexDense b = to_host(*s.y.weights);
    CHECK(norm(difference(between(a, sxx, a), complex_identity(k))) < 1e-12);
    CHECK(norm(difference(between(b, syy, b), complex_identity(k))) < 1e-12);
    CHECK(norm(difference(between(a, sxy, b), complex_diagonal(s.correlations))) < 1e-12);
    CHECK(norm(difference(to_host(*s.x.loadings), product(sxx, a))) < 1e-12 * norm(sxx));
    CHECK(norm(difference(to_host(*s.y.loadings), product(syy, b))) < 1e-12 * norm(syy));
  }
}

TEST_CASE("correlations stay what they are under invertible complex maps and offsets") {
  const Related data = related(150, 5, 4, 706);
  const auto wanted = solve(data.x, data.y).correlations;
  ComplexDense x = product(data.x, complex_random(5, 5, 707));
  ComplexDense y = product(data.y, complex_random(4, 4, 708));
  for (Complex& z : x.values) {
    z += Complex(10.0, -4.0);
  }
  CHECK(largest_difference(solve(x, data.y).correlations, wanted) < 1e-11);
  CHECK(largest_difference(solve(x, y).correlations, wanted) < 1e-11);
  CHECK(largest_difference(solve(y, x).correlations, wanted) < 1e-11);
  // A layer against a map of itself.
  CHECK(largest_difference(solve(x, data.x).correlations, std::vector<double>(5, 1.0)) < 1e-12);
}

TEST_CASE("complex layers of low rank and with dead units") {
  const Related data = related(150, 3, 4, 709);
  const auto wanted = solve(data.x, data.y).correlations;
  ComplexDense wide(150, 6);
  for (Index i = 0; i < 150; ++i) {
    wide(i, 0) = {3.0, 4.0};
    wide(i, 1) = data.x(i, 0);
    wide(i, 2) = Complex(0.0, 2.0) * data.x(i, 0);
    wide(i, 3) = data.x(i, 1);
    wide(i, 4) = data.x(i, 2);
    wide(i, 5) = data.x(i, 1) + Complex(1.0, 1.0) * data.x(i, 2);
  }
  const auto s = solve(wide, data.y);
  CHECK(s.x.rank == 3);
  CHECK(s.x.dead == std::vector<Index>{0});
  CHECK(largest_difference(s.correlations, wanted) < 1e-11);
  const ComplexDense a = to_host(*s.x.weights);
  const ComplexDense sxx = scaled(scatter(wide, wide), 1.0 / 149.0);
  CHECK(norm(difference(between(a, sxx, a), complex_identity(3))) < 1e-11);
  CHECK(norm(difference(to_host(*s.x.loadings), product(sxx, a))) < 1e-11 * norm(sxx));
}

TEST_CASE("a truncation that keeps every axis changes nothing") {
  const Related data = related(150, 4, 4, 710);
  CcaOptions options;
  options.x_keep = Truncation{Truncation::By::kVariance, 1.0, 0};
  options.y_keep = Truncation{Truncation::By::kCount, 1.0, 4};
  const auto s = solve(data.x, data.y, options);
  CHECK(s.x.kept == 4);
  CHECK(largest_difference(s.correlations, solve(data.x, data.y).correlations) < 1e-12);
}

TEST_CASE("symmetric CCA: Hermitian inverse roots and the same correlations") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {5, 3}, {3, 8}}) {
    const Related data = related(200, p, q, 711);
    const Moments moments = moments_of_parts(data.x, data.y);
    const ComplexMatrix xx = complex_scatter(moments, kX, kX);
    const ComplexMatrix yy = complex_scatter(moments, kY, kY);
    const auto x_block = covariance_of(moments, kX, xx);
    const auto y_block = covariance_of(moments, kY, yy);
    const ComplexDense sxx = scaled(scatter(data.x, data.x), 1.0 / 199.0);
    const ComplexDense syy = scaled(scatter(data.y, data.y), 1.0 / 199.0);
    const ComplexDense sxy = scaled(scatter(data.x, data.y), 1.0 / 199.0);
    for (const double epsilon : {0.0, 1e-3}) {
      CAPTURE(epsilon);
      const auto s =
          solve_symmetric_cca(complex_algebra(), x_block, y_block, to_backend(sxy), epsilon);
      CHECK(s.x_rank == p);
      CHECK(s.y_rank == q);
      const ComplexDense u = to_host(s.u);
      const ComplexDense vt = to_host(s.vt);
      CHECK(orthogonality_ratio(u) < kRatioLimit);
      CHECK(orthogonality_ratio(vt) < kRatioLimit);
      for (const auto& [root, cov] :
           {std::pair(&s.x_inverse_sqrt, &sxx), std::pair(&s.y_inverse_sqrt, &syy)}) {
        const ComplexDense r = to_host(*root);
        ComplexDense regularized = *cov;
        for (Index i = 0; i < r.rows; ++i) {
          regularized(i, i) += epsilon;
        }
        CHECK(norm(difference(r, adjoint(r))) < 1e-14 * norm(r));
        CHECK(norm(difference(product(product(r, regularized), r), complex_identity(r.rows))) <
              1e-12);
      }
      ComplexDense middle(p, q);
      for (Index i = 0; i < std::min(p, q); ++i) {
        middle(i, i) = s.correlations[at(i)];
      }
      const auto core = product(product(to_host(s.x_inverse_sqrt), sxy), to_host(s.y_inverse_sqrt));
      CHECK(norm(difference(product(product(u, middle), vt), core)) < 1e-12);
      if (epsilon == 0.0) {
        CHECK(largest_difference(s.correlations, solve(data.x, data.y).correlations) < 1e-12);
      }
    }
  }
}

TEST_CASE("ranks of collinear, dead and constant features, with weights and without") {
  ComplexDense collinear = complex_random(80, 4, 741);
  ComplexDense with_dead = complex_random(80, 4, 742);
  for (Index i = 0; i < 80; ++i) {
    collinear(i, 2) = Complex(2.0, -1.0) * collinear(i, 0);
    with_dead(i, 1) = 5.0;
  }
  const Related full = related(80, 4, 3, 743);
  const Related wide = related(80, 6, 5, 744);
  const ComplexDense constant(80, 3);
  const std::vector<std::pair<const ComplexDense*, const ComplexDense*>> data{
      {&full.x, &full.y},   {&collinear, &full.y}, {&wide.x, &wide.y},      {&with_dead, &full.y},
      {&full.x, &constant}, {&full.y, &full.x},    {&collinear, &collinear}};
  const std::vector<Index> x_ranks{4, 3, 6, 3, 4, 3, 3};
  const std::vector<Index> y_ranks{3, 3, 5, 3, 0, 4, 3};
  for (const double ridge : {0.0, 0.1}) {
    for (const bool weights : {false, true}) {
      CcaOptions options;
      options.ridge = ridge;
      options.weights = weights;
      for (std::size_t i = 0; i < data.size(); ++i) {
        CAPTURE(i);
        const auto found = solve(*data[i].first, *data[i].second, options);
        CHECK(found.x.rank == x_ranks[i]);
        CHECK(found.y.rank == y_ranks[i]);
        CHECK(found.x.weights.has_value() == weights);
        CHECK(found.y.loadings.has_value() == weights);
        if (i == 6 && ridge == 0.0) {
          for (const double rho : found.correlations) {
            CHECK(rho == doctest::Approx(1.0).epsilon(1e-10));
          }
        }
      }
    }
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
