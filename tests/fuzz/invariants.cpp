#include "invariants.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace fastcca::fuzz {

namespace {

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

void check_indices(const std::vector<Index>& indices, Index size, const char* what) {
  require(std::is_sorted(indices.begin(), indices.end()), what);
  require(indices.empty() || (indices.front() >= 0 && indices.back() < size), what);
}

template <class Scalar>
void check_side(const LinearAlgebra<Scalar>& algebra, const CcaSideOf<Scalar>& side, Index size,
                std::size_t count, bool weights) {
  require(side.kept >= 0 && side.kept <= side.rank && side.rank <= size, "ranks fit the block");
  require(side.undecided >= 0 && side.rank + side.undecided <= size, "undecided fit the block");
  require(std::isfinite(side.condition) && side.condition >= 1.0, "a condition is 1 or more");
  check_indices(side.dead, size, "dead units are units");
  require(side.weights.has_value() == weights && side.loadings.has_value() == weights,
          "weights where they were asked for");
  if (weights) {
    require(side.weights->rows() == size && side.loadings->rows() == size, "a weight per unit");
    require(side.weights->cols() == static_cast<Index>(count) &&
                side.loadings->cols() == static_cast<Index>(count),
            "weights per correlation");
    check_finite(algebra, *side.weights, "weights are finite");
    check_finite(algebra, *side.loadings, "loadings are finite");
  }
}

}  // namespace

void violated(const std::string& what) {
  std::fprintf(stderr, "does not hold: %s\n", what.c_str());
  std::abort();
}

void require(bool holds, const char* what) {
  if (!holds) {
    violated(what);
  }
}

void check_state(const Moments& moments) {
  require(moments.n_samples() >= 0, "counts are not negative");
  require((moments.n_samples() == 0) == (moments.block_count() == 0), "blocks with samples");
  for (Index i = 0; i < moments.block_count(); ++i) {
    require(all_finite(moments.block(i).mean), "means are finite");
    for (Index j = 0; j <= i; ++j) {
      const auto tile = testing::to_host(moments.scatter(i, j));
      require(all_finite(tile.values), "scatter is finite");
      if (i != j) {
        continue;
      }
      for (Index k = 0; k < tile.cols; ++k) {
        require(tile(k, k) >= 0.0, "sums of squares are not negative");
        for (Index l = 0; l < k; ++l) {
          require(tile(k, l) == tile(l, k), "diagonal tiles are symmetric");
        }
      }
    }
  }
}

void check_state(const QrFactor& factor) {
  require((factor.n_samples() == 0) == (factor.block_count() == 0), "blocks with samples");
  for (Index i = 0; i < factor.block_count(); ++i) {
    require(all_finite(factor.block(i).mean), "means are finite");
  }
  const auto r = testing::to_host(factor.factor());
  require(all_finite(r.values), "a factor is finite");
  for (Index j = 0; j < r.cols; ++j) {
    for (Index i = j + 1; i < r.rows; ++i) {
      require(r(i, j) == 0.0, "a factor is upper triangular");
    }
  }
}

void check_single_batch(const Moments& single, std::span<const std::string> names,
                        std::span<const ArrayView> views) {
  Moments wide(testing::backend());
  try {
    wide.update(names, views, 1);
  } catch (const std::exception&) {
    return require(single.n_samples() == 0, "single products take what double ones take");
  }
  require(single.n_samples() == wide.n_samples(), "single products take what double ones take");
  // Two factors are rounded, and so is every sum; a shift beside the mean makes them a little
  // larger.
  const double n = static_cast<double>(wide.n_samples());
  const double most = 1.25 * (n + 2.0) * 0x1p-24;
  std::vector<std::vector<double>> norms;
  for (Index i = 0; i < wide.block_count(); ++i) {
    require(testing::same_bits(single.block(i).mean, wide.block(i).mean), "means are the same");
    norms.push_back(testing::backend().diagonal(wide.scatter(i, i)));
    for (std::size_t k = 0; k < norms.back().size(); ++k) {
      // What is left of a constant after its mean is taken off, and what a square below the normal
      // numbers may have been.
      const double lost = 0x1p-48 * std::abs(wide.block(i).mean[k]) + 0x1p-511;
      norms.back()[k] = std::sqrt(norms.back()[k]) + std::sqrt(n) * lost;
    }
    for (Index j = 0; j <= i; ++j) {
      const auto found = testing::to_host(single.scatter(i, j));
      const auto wanted = testing::to_host(wide.scatter(i, j));
      for (Index l = 0; l < wanted.cols; ++l) {
        for (Index k = 0; k < wanted.rows; ++k) {
          const double size =
              norms[testing::at(i)][testing::at(k)] * norms[testing::at(j)][testing::at(l)];
          require(std::abs(found(k, l) - wanted(k, l)) <= most * size,
                  "single products are those of float32");
        }
      }
    }
  }
}

void check_similarity(double value) {
  require(value >= 0.0 && value <= 1.0, "a similarity is in [0, 1]");  // NaN is not
}

void check_descending(const std::vector<double>& values, double low, double high) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    require(values[k] >= low && values[k] <= high, "values in their range");
    require(k == 0 || values[k] <= values[k - 1], "values in descending order");
  }
}

template <class Scalar>
void check_finite(const LinearAlgebra<Scalar>& algebra, const MatrixOf<Scalar>& a,
                  const char* what) {
  std::vector<Scalar> values(static_cast<std::size_t>(a.rows() * a.cols()));
  algebra.to_host(a, values.data());
  require(std::all_of(values.begin(), values.end(),
                      [](const Scalar& v) {
                        return std::isfinite(std::real(v)) && std::isfinite(std::imag(v));
                      }),
          what);
}

template <class Scalar>
void check_solution(const LinearAlgebra<Scalar>& algebra, const CcaSolutionOf<Scalar>& solution,
                    Index p, Index q, const CcaOptions& options) {
  check_descending(solution.correlations, 0.0, 1.0);
  const auto count = solution.correlations.size();
  require(static_cast<Index>(count) == std::min(solution.x.kept, solution.y.kept),
          "a correlation per dimension of the smaller side");
  check_side(algebra, solution.x, p, count, options.weights);
  check_side(algebra, solution.y, q, count, options.weights);
}

template void check_finite(const LinearAlgebra<double>&, const Matrix&, const char*);
template void check_finite(const LinearAlgebra<Complex>&, const ComplexMatrix&, const char*);
template void check_solution(const LinearAlgebra<double>&, const CcaSolution&, Index, Index,
                             const CcaOptions&);
template void check_solution(const LinearAlgebra<Complex>&, const CcaSolutionOf<Complex>&, Index,
                             Index, const CcaOptions&);

}  // namespace fastcca::fuzz
