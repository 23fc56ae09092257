// CCA by symmetric inverse square roots.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/cca.hpp"
#include "core/google_cca.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

struct Problem {
  Moments moments;
  Dense xx, yy, xy;  // covariances

  explicit Problem(const Dense& x, const Dense& y) : moments(moments_of({y, x})) {
    const double degrees = static_cast<double>(moments.n_samples() - 1);
    yy = scaled(to_host(moments.scatter(0, 0)), 1.0 / degrees);
    xx = scaled(to_host(moments.scatter(1, 1)), 1.0 / degrees);
    xy = scaled(to_host(moments.scatter(1, 0)), 1.0 / degrees);
  }

  SymmetricCca solve(double epsilon) const {
    return solve_symmetric_cca(algebra(), covariance_of(moments, 1), covariance_of(moments, 0),
                               to_backend(xy), epsilon);
  }
};

Dense plus_diagonal(Dense a, double value) {
  for (Index i = 0; i < a.rows; ++i) {
    a(i, i) += value;
  }
  return a;
}

// u diag(correlations) vt is the cross covariance between the inverse square roots, and u and vt
// are square and orthogonal.
void check_decomposition(const Problem& problem, const SymmetricCca& s, double tolerance) {
  const Dense u = to_host(s.u);
  const Dense vt = to_host(s.vt);
  const Index p = problem.xx.rows;
  const Index q = problem.yy.rows;
  REQUIRE(u.rows == p);
  REQUIRE(u.cols == p);
  REQUIRE(vt.rows == q);
  REQUIRE(vt.cols == q);
  REQUIRE(static_cast<Index>(s.correlations.size()) == std::min(p, q));
  CHECK(orthogonality_ratio(u) < kRatioLimit);
  CHECK(orthogonality_ratio(vt) < kRatioLimit);
  CHECK(std::is_sorted(s.correlations.rbegin(), s.correlations.rend()));
  Dense middle(p, q);
  for (Index i = 0; i < std::min(p, q); ++i) {
    middle(i, i) = s.correlations[static_cast<std::size_t>(i)];
  }
  const Dense wanted =
      product(product(to_host(s.x_inverse_sqrt), problem.xy), to_host(s.y_inverse_sqrt));
  CHECK(norm(difference(product(product(u, middle), vt), wanted)) < tolerance);
}

Dense correlated_with(const Dense& x, Index cols, unsigned seed) {
  Dense y = random_matrix(x.rows, cols, seed);
  for (Index j = 0; j < std::min(cols, x.cols); ++j) {
    for (Index i = 0; i < x.rows; ++i) {
      y(i, j) += static_cast<double>(j + 1) * x(i, j);
    }
  }
  return y;
}

}  // namespace

TEST_SUITE_BEGIN("symmetric cca");

TEST_CASE("full rank: inverse square roots, and the correlations of the other route") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {4, 4}, {7, 3}, {3, 12}}) {
    CAPTURE(p);
    CAPTURE(q);
    const Dense x = random_matrix(300, p, 91);
    const Problem problem(x, correlated_with(x, q, 92));
    const SymmetricCca s = problem.solve(0.0);
    check_decomposition(problem, s, 1e-13);
    CHECK(s.x_rank == p);
    CHECK(s.y_rank == q);
    for (const auto& [root, cov] :
         {std::pair(&s.x_inverse_sqrt, &problem.xx), std::pair(&s.y_inverse_sqrt, &problem.yy)}) {
      const Dense r = to_host(*root);
      CHECK(norm(difference(r, transposed(r))) < 1e-14 * norm(r));
      CHECK(norm(difference(product(product(r, *cov), r), identity(r.rows))) < 1e-12);
    }
    const auto wanted = solve_cca(problem.moments, 1, 0, {}).correlations;
    REQUIRE(s.correlations.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(std::abs(s.correlations[i] - wanted[i]) < 1e-12);
    }
  }
}

TEST_CASE("rank deficient: inverse square roots of the kept directions, zeros beyond the rank") {
  const Dense x = random_matrix(300, 4, 93);
  Dense wide(300, 7);  // a dead unit, a repeated one, a combination, and one on its own scale
  for (Index i = 0; i < 300; ++i) {
    wide(i, 0) = 3.0;
    wide(i, 1) = x(i, 0);
    wide(i, 2) = x(i, 1);
    wide(i, 3) = x(i, 1);
    wide(i, 4) = 1e4 * x(i, 2);
    wide(i, 5) = x(i, 3);
    wide(i, 6) = x(i, 0) + x(i, 3);
  }
  const Dense y = correlated_with(x, 6, 94);
  const Problem problem(wide, y);
  const SymmetricCca s = problem.solve(0.0);
  check_decomposition(problem, s, 1e-12);
  REQUIRE(s.correlations.size() == 6);
  const auto wanted = solve_cca(Problem(x, y).moments, 1, 0, {}).correlations;
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(std::abs(s.correlations[i] - wanted[i]) < 1e-11);
  }
  CHECK(s.correlations[4] == 0.0);
  CHECK(s.correlations[5] == 0.0);
  CHECK(s.x_rank == 4);
  CHECK(s.y_rank == 6);
  // root S root is the projection on the kept directions.
  const Dense root = to_host(s.x_inverse_sqrt);
  const Dense projection = product(product(root, problem.xx), root);
  CHECK(norm(difference(product(projection, projection), projection)) < 1e-11);
  double trace = 0.0;
  for (Index i = 0; i < 7; ++i) {
    trace += projection(i, i);
  }
  CHECK(trace == doctest::Approx(4.0).epsilon(1e-11));
}

TEST_CASE("a positive epsilon is added to both diagonals and nothing is removed") {
  const Dense x = random_matrix(300, 4, 95);
  Dense repeated(300, 5);
  for (Index i = 0; i < 300; ++i) {
    for (Index j = 0; j < 4; ++j) {
      repeated(i, j) = x(i, j);
    }
    repeated(i, 4) = x(i, 0);
  }
  const Problem problem(repeated, correlated_with(x, 3, 96));
  for (const double epsilon : {1e-10, 1e-3, 1.0}) {
    CAPTURE(epsilon);
    const SymmetricCca s = problem.solve(epsilon);
    check_decomposition(problem, s, 1e-9);
    CHECK(s.x_rank == 5);
    CHECK(s.y_rank == 3);
    const Dense root = to_host(s.x_inverse_sqrt);
    const Dense found = product(product(root, plus_diagonal(problem.xx, epsilon)), root);
    CHECK(norm(difference(found, identity(5))) < 1e-14 / epsilon + 1e-13);
  }
}

TEST_CASE("a dead side gives zeros") {
  Dense dead(50, 3);
  const Problem problem(dead, random_matrix(50, 2, 97));
  const SymmetricCca s = problem.solve(0.0);
  CHECK(norm(to_host(s.x_inverse_sqrt)) == 0.0);
  CHECK(s.x_rank == 0);
  CHECK(s.y_rank == 2);
  CHECK(s.correlations == std::vector<double>{0.0, 0.0});
  check_decomposition(problem, s, 1e-15);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
