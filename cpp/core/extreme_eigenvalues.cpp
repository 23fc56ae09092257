#include "core/extreme_eigenvalues.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <utility>

namespace fastcca {

namespace {

// Up to this size all eigenvalues are computed.
constexpr Index kSmall = 128;
constexpr std::size_t kSteps = 32;
// Looked at after so many steps, an eigenvalue that has grown by less since the last time is taken.
// Looked at more often, one would be taken that is not the last: a start that is all but orthogonal
// to its eigenvector holds the growth up for some steps.
constexpr std::size_t kStepsBetweenLooks = 8;
constexpr double kConverged = 1e-3;
static_assert(kSteps % kStepsBetweenLooks == 0);
// What is this much smaller than the operator is rounding.
constexpr double kExhausted = 1e-12;

template <class Scalar>
MatrixOf<Scalar> random_unit_vector(const LinearAlgebra<Scalar>& algebra, Index size) {
  // The same start, and so the same result, every time.
  std::mt19937_64 bits(20771);  // NOLINT(bugprone-random-generator-seed)
  std::vector<Scalar> values(static_cast<std::size_t>(size));
  double squares = 0.0;
  for (Scalar& v : values) {
    const double uniform = std::ldexp(static_cast<double>(bits() >> 11), -52) - 1.0;
    squares += uniform * uniform;
    v = uniform;
  }
  for (Scalar& v : values) {
    v /= std::sqrt(squares);
  }
  return algebra.from_host(values.data(), size, 1);
}

// Of the tridiagonal matrix with these entries on its diagonal and beside it.
template <class Scalar>
double largest_eigenvalue(const LinearAlgebra<Scalar>& algebra, const std::vector<double>& diagonal,
                          const std::vector<double>& beside) {
  const std::size_t size = diagonal.size();
  std::vector<Scalar> entries(size * size);
  for (std::size_t k = 0; k < size; ++k) {
    entries[k * size + k] = diagonal[k];
    if (k > 0) {
      entries[k * size + k - 1] = entries[(k - 1) * size + k] = beside[k - 1];
    }
  }
  const auto rows = static_cast<Index>(size);
  return algebra.eigenvalues(algebra.from_host(entries.data(), rows, rows)).back();
}

// The largest Ritz value of a Hermitian operator in the Krylov space of one vector. The basis is
// made orthogonal by the recurrence alone: what rounding takes from that repeats Ritz values which
// have converged, and moves none by more than the rounding of the operator (Paige 1980).
template <class Scalar, class Apply>
double largest_ritz_value(const LinearAlgebra<Scalar>& algebra, Index size, Apply apply) {
  using Mat = MatrixOf<Scalar>;
  std::vector<double> diagonal;
  std::vector<double> beside;
  double norm = 0.0;  // of the operator, at least so large
  double found = 0.0;
  Mat previous;
  Mat current = random_unit_vector(algebra, size);
  while (diagonal.size() < kSteps) {
    Mat image = apply(current);
    if (!beside.empty()) {
      algebra.add_scaled(image, -beside.back(), previous);
    }
    const Mat share = algebra.multiply(current, Transpose::kYes, image, Transpose::kNo);
    diagonal.push_back(algebra.diagonal(share).front());
    algebra.add_scaled(image, -diagonal.back(), current);
    const double rest = algebra.frobenius_norm(image);
    norm = std::max({norm, std::abs(diagonal.back()), rest});
    const bool exhausted = rest <= kExhausted * norm;
    if (exhausted || diagonal.size() % kStepsBetweenLooks == 0) {
      const double before = std::exchange(found, largest_eigenvalue(algebra, diagonal, beside));
      if (exhausted || found - before < kConverged * found) {
        break;
      }
    }
    beside.push_back(rest);
    previous = std::exchange(
        current, algebra.scaled_columns(image, std::array{Index{0}}, std::array{1.0 / rest}));
  }
  return found;
}

template <class Scalar>
ExtremeEigenvalues ritz_values(const LinearAlgebra<Scalar>& algebra, const Factorized<Scalar>& of) {
  using Mat = MatrixOf<Scalar>;
  const Index size = of.matrix->rows();
  const double largest = largest_ritz_value(algebra, size, [&](const Mat& vector) {
    return algebra.multiply(*of.matrix, Transpose::kNo, vector, Transpose::kNo);
  });
  const double inverse = largest_ritz_value(algebra, size, [&](const Mat& vector) {
    Mat image = algebra.copy(vector);
    algebra.solve_triangular(*of.lower, Transpose::kNo, Side::kLeft, image);
    algebra.solve_triangular(*of.lower, Transpose::kYes, Side::kLeft, image);
    return image;
  });
  return {inverse > 0.0 ? 1.0 / inverse : 0.0, largest};
}

}  // namespace

template <class Scalar>
std::vector<ExtremeEigenvalues> extreme_eigenvalues_each(
    const LinearAlgebra<Scalar>& algebra, std::span<const Factorized<Scalar>> matrices) {
  std::vector<ExtremeEigenvalues> out(matrices.size());
  std::vector<std::size_t> small;
  std::vector<const MatrixOf<Scalar>*> wholly;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    if (matrices[i].matrix->rows() <= kSmall) {
      small.push_back(i);
      wholly.push_back(matrices[i].matrix);
    } else {
      out[i] = ritz_values(algebra, matrices[i]);
    }
  }
  const auto values = algebra.eigenvalues_each(wholly);
  for (std::size_t k = 0; k < small.size(); ++k) {
    out[small[k]] = {values[k].front(), values[k].back()};
  }
  return out;
}

template std::vector<ExtremeEigenvalues> extreme_eigenvalues_each(
    const LinearAlgebra<double>&, std::span<const Factorized<double>>);
template std::vector<ExtremeEigenvalues> extreme_eigenvalues_each(
    const LinearAlgebra<Complex>&, std::span<const Factorized<Complex>>);

}  // namespace fastcca
