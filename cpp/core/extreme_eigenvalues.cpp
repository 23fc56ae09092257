#include "core/extreme_eigenvalues.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <random>
#include <utility>

namespace fastcca {

namespace {

// Up to this size all eigenvalues cost less than the Krylov spaces.
constexpr Index kSmall = 128;
constexpr Index kBlock = 8;
constexpr Index kSteps = 8;
// A step that changes the eigenvalue by less is the last one. Where it converges slowest, the steps
// change it by more for longer than there are any.
constexpr double kConverged = 1e-3;
// What is this much smaller than the images of unit vectors is rounding.
constexpr double kExhausted = 1e-12;

template <class Scalar>
MatrixOf<Scalar> random_block(const LinearAlgebra<Scalar>& algebra, Index rows) {
  // The same start, and so the same result, every time.
  std::mt19937_64 bits(20771);  // NOLINT(bugprone-random-generator-seed)
  const auto uniform = [&bits] { return std::ldexp(static_cast<double>(bits() >> 11), -52) - 1.0; };
  std::vector<Scalar> values(static_cast<std::size_t>(rows * kBlock));
  for (Scalar& v : values) {
    v = uniform();
  }
  return algebra.from_host(values.data(), rows, kBlock);
}

// Orthonormal columns that span those of a block, but for what is smaller than `least`.
template <class Scalar>
MatrixOf<Scalar> orthonormal_span(const LinearAlgebra<Scalar>& algebra, MatrixOf<Scalar> block,
                                  double least) {
  // The second round makes up for what the Gram matrix of the first has lost.
  constexpr double kLost = 1e-14;
  for (int round = 0; round < 2 && block.cols() > 0; ++round) {
    const auto eigen =
        algebra.eigh(algebra.multiply(block, Transpose::kYes, block, Transpose::kNo));
    std::vector<Index> kept;
    std::vector<double> scale;
    for (std::size_t k = 0; k < eigen.values.size(); ++k) {
      if (eigen.values[k] > std::max(kLost * eigen.values.back(), least * least)) {
        kept.push_back(static_cast<Index>(k));
        scale.push_back(1.0 / std::sqrt(eigen.values[k]));
      }
    }
    const auto turned = algebra.scaled_columns(eigen.vectors, kept, scale);
    block = algebra.multiply(block, Transpose::kNo, turned, Transpose::kNo);
    least = 0.0;
  }
  return block;
}

double conjugate(double value) { return value; }
Complex conjugate(const Complex& value) { return std::conj(value); }

// The Hermitian operator in the basis: its blocks in and above the diagonal, and their mirror.
template <class Scalar>
class Projection {
 public:
  void set(Index row, Index col, Index rows, const std::vector<Scalar>& tile) {
    for (std::size_t k = 0; k < tile.size(); ++k) {
      const auto r = row + static_cast<Index>(k) % rows;
      const auto c = col + static_cast<Index>(k) / rows;
      values_[at(r, c)] = tile[k];
      values_[at(c, r)] = conjugate(tile[k]);
    }
    size_ = std::max(size_, col + static_cast<Index>(tile.size()) / rows);
  }

  double largest_eigenvalue(const LinearAlgebra<Scalar>& algebra) const {
    std::vector<Scalar> used;
    for (Index c = 0; c < size_; ++c) {
      for (Index r = 0; r < size_; ++r) {
        used.push_back(values_[at(r, c)]);
      }
    }
    return algebra.eigenvalues(algebra.from_host(used.data(), size_, size_)).back();
  }

 private:
  static constexpr Index kMost = kBlock * kSteps;
  static std::size_t at(Index row, Index col) {
    return static_cast<std::size_t>(row + col * kMost);
  }

  std::vector<Scalar> values_ = std::vector<Scalar>(static_cast<std::size_t>(kMost * kMost));
  Index size_ = 0;
};

// The largest Ritz value of a Hermitian operator in a block Krylov space.
template <class Scalar, class Apply>
double largest_ritz_value(const LinearAlgebra<Scalar>& algebra, Index size, Apply apply) {
  using Mat = MatrixOf<Scalar>;
  std::vector<Mat> basis;
  std::vector<Index> starts{0};
  Projection<Scalar> projection;
  double norm = 0.0;
  double found = 0.0;
  Mat next = orthonormal_span(algebra, random_block(algebra, size), 0.0);
  for (Index step = 0; step < kSteps && next.cols() > 0; ++step) {
    starts.push_back(starts.back() + next.cols());
    basis.push_back(std::move(next));
    const Mat& last = basis.back();
    Mat image = apply(last);
    norm = std::max(norm, algebra.frobenius_norm(image));
    for (int round = 0; round < 2; ++round) {
      for (std::size_t j = 0; j < basis.size(); ++j) {
        const Mat share = algebra.multiply(basis[j], Transpose::kYes, image, Transpose::kNo);
        algebra.add_scaled(image, -1.0,
                           algebra.multiply(basis[j], Transpose::kNo, share, Transpose::kNo));
        if (round == 0) {
          std::vector<Scalar> tile(static_cast<std::size_t>(share.rows() * share.cols()));
          algebra.to_host(share, tile.data());
          projection.set(starts[j], starts[basis.size() - 1], share.rows(), tile);
        }
      }
    }
    const double before = std::exchange(found, projection.largest_eigenvalue(algebra));
    if (found - before < kConverged * found) {
      break;
    }
    next = orthonormal_span(algebra, std::move(image), kExhausted * norm);
  }
  return found;
}

template <class Scalar>
ExtremeEigenvalues ritz_values(const LinearAlgebra<Scalar>& algebra, const Factorized<Scalar>& of) {
  using Mat = MatrixOf<Scalar>;
  const Index size = of.matrix->rows();
  const double largest = largest_ritz_value(algebra, size, [&](const Mat& block) {
    return algebra.multiply(*of.matrix, Transpose::kNo, block, Transpose::kNo);
  });
  const double inverse = largest_ritz_value(algebra, size, [&](const Mat& block) {
    Mat image = algebra.copy(block);
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
