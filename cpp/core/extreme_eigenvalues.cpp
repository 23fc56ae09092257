#include "core/extreme_eigenvalues.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <utility>

#include "core/host_vectors.hpp"

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
  // The start, and with it the result, is the same every time.
  std::mt19937_64 bits(20771);  // NOLINT(bugprone-random-generator-seed)
  Eigen::VectorXd values(size);
  double squares = 0.0;
  for (double& v : values) {
    v = std::ldexp(static_cast<double>(bits() >> 11), -52) - 1.0;
    squares += v * v;
  }
  const Eigen::VectorX<Scalar> unit = (values / std::sqrt(squares)).template cast<Scalar>();
  return algebra.from_host(unit.data(), size, 1);
}

// That of the tridiagonal matrix with these entries on its diagonal and beside it, which is small.
template <class Scalar>
double largest_eigenvalue(const LinearAlgebra<Scalar>& algebra, const std::vector<double>& diagonal,
                          const std::vector<double>& beside) {
  const auto size = static_cast<Index>(diagonal.size());
  Eigen::MatrixX<Scalar> t = Eigen::MatrixX<Scalar>::Zero(size, size);
  t.diagonal() = array(diagonal).matrix();
  t.diagonal(1) = t.diagonal(-1) = array(beside).matrix();
  return algebra.eigenvalues(algebra.from_host(t.data(), size, size)).back();
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

}  // namespace

template <class Scalar>
ExtremeEigenvalues extreme_eigenvalues(const LinearAlgebra<Scalar>& algebra,
                                       const MatrixOf<Scalar>& matrix,
                                       const MatrixOf<Scalar>& lower) {
  using Mat = MatrixOf<Scalar>;
  const Index size = matrix.rows();
  if (size <= kSmall) {
    const auto all = algebra.eigenvalues(algebra.copy(matrix));
    return {all.front(), all.back()};
  }
  const double largest = largest_ritz_value(algebra, size, [&](const Mat& vector) {
    return algebra.multiply(matrix, Transpose::kNo, vector, Transpose::kNo);
  });
  const double inverse = largest_ritz_value(algebra, size, [&](const Mat& vector) {
    Mat image = algebra.copy(vector);
    algebra.solve_triangular(lower, Transpose::kNo, Side::kLeft, image);
    algebra.solve_triangular(lower, Transpose::kYes, Side::kLeft, image);
    return image;
  });
  return {inverse > 0.0 ? 1.0 / inverse : 0.0, largest};
}

template ExtremeEigenvalues extreme_eigenvalues(const LinearAlgebra<double>&, const Matrix&,
                                                const Matrix&);
template ExtremeEigenvalues extreme_eigenvalues(const LinearAlgebra<Complex>&, const ComplexMatrix&,
                                                const ComplexMatrix&);

}  // namespace fastcca
