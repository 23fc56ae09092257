#include "known_data.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace fastcca::testing {

Dense uncorrelated(Index n, Index cols, unsigned seed) {
  Dense start = random_matrix(n, cols + 1, seed);
  for (Index i = 0; i < n; ++i) {
    start(i, 0) = 1.0;
  }
  // The first column is constant, so what is orthogonal to it sums to zero.
  Dense out(n, cols);
  for (Index j = 1; j <= cols; ++j) {
    for (int pass = 0; pass < 2; ++pass) {
      for (Index k = 0; k < j; ++k) {
        long double dot = 0.0L;
        long double squares = 0.0L;
        for (Index i = 0; i < n; ++i) {
          dot += static_cast<long double>(start(i, j)) * start(i, k);
          squares += static_cast<long double>(start(i, k)) * start(i, k);
        }
        for (Index i = 0; i < n; ++i) {
          start(i, j) = static_cast<double>(start(i, j) - dot / squares * start(i, k));
        }
      }
    }
  }
  for (Index j = 1; j <= cols; ++j) {
    long double squares = 0.0L;
    for (Index i = 0; i < n; ++i) {
      squares += static_cast<long double>(start(i, j)) * start(i, j);
    }
    for (Index i = 0; i < n; ++i) {
      out(i, j - 1) = static_cast<double>(start(i, j) / std::sqrt(squares));
    }
  }
  return out;
}

namespace {

struct Canonical {
  Dense u;  // (n, p) canonical variates up to scale
  Dense v;  // (n, q)
};

Canonical canonical(Index n, Index p, Index q, const std::vector<double>& correlations,
                    unsigned seed) {
  const Dense basis = uncorrelated(n, p + q, seed);
  Canonical out{Dense(n, p), Dense(n, q)};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < p; ++j) {
      out.u(i, j) = basis(i, j);
    }
    for (Index j = 0; j < q; ++j) {
      const double rho = j < std::min(p, q) ? correlations[at(j)] : 0.0;
      out.v(i, j) =
          (j < p ? rho * basis(i, j) : 0.0) + std::sqrt(1.0 - rho * rho) * basis(i, p + j);
    }
  }
  return out;
}

// Q1 diag(from 1 down to 1 / kappa) Q2
Dense mixing_of(Index p, double kappa, unsigned seed) {
  std::vector<double> spectrum;
  for (Index j = 0; j < p; ++j) {
    spectrum.push_back(
        std::pow(kappa, p > 1 ? -static_cast<double>(j) / static_cast<double>(p - 1) : 0.0));
  }
  return product(product(random_orthonormal(p, p, seed), diagonal_matrix(spectrum)),
                 random_orthonormal(p, p, seed + 1));
}

}  // namespace

Known known(Index n, Index p, Index q, const std::vector<double>& correlations, unsigned seed) {
  const Canonical c = canonical(n, p, q, correlations, seed);
  Known out{product(c.u, random_orthonormal(p, p, seed + 1)),
            product(c.v, random_orthonormal(q, q, seed + 2)), correlations};
  for (Dense* data : {&out.x, &out.y}) {
    for (Index j = 0; j < data->cols; ++j) {
      const double scale = std::pow(10.0, static_cast<double>(j % 5) - 2.0);
      for (Index i = 0; i < n; ++i) {
        (*data)(i, j) = scale * (*data)(i, j) + 2.0 * scale;
      }
    }
  }
  return out;
}

Known known_with_condition(Index n, Index p, Index q, const std::vector<double>& correlations,
                           double kappa, unsigned seed) {
  const Canonical c = canonical(n, p, q, correlations, seed);
  return {product(c.u, mixing_of(p, kappa, seed + 1)), product(c.v, mixing_of(q, kappa, seed + 3)),
          correlations};
}

void check_correlations(const std::vector<double>& found, const std::vector<double>& wanted,
                        double tolerance) {
  REQUIRE(found.size() == wanted.size());
  CHECK(std::is_sorted(found.rbegin(), found.rend()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(std::abs(found[i] - wanted[i]) < tolerance);
    CHECK(found[i] >= 0.0);
    CHECK(found[i] <= 1.0);
  }
}

}  // namespace fastcca::testing
