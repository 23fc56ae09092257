#include "core/spectrum.hpp"

#include <algorithm>
#include <utility>

#include "core/host_vectors.hpp"

namespace fastcca {

template <class Scalar>
MatrixOf<Scalar> SpectrumOf<Scalar>::axes(const LinearAlgebra<Scalar>& algebra,
                                          std::span<const Index> some) const {
  std::vector<Index> chosen;
  for (const Index k : some) {
    chosen.push_back(columns[static_cast<std::size_t>(k)]);
  }
  return algebra.columns(vectors, chosen);
}

template <class Scalar>
std::vector<double> SpectrumOf<Scalar>::kept_variances() const {
  return vector_of(array(variances)(rank.kept));
}

template <class Scalar>
SpectrumOf<Scalar> spectrum_of_covariance(const LinearAlgebra<Scalar>& algebra,
                                          MatrixOf<Scalar> covariance,
                                          std::span<const double> noise_of_units,
                                          const rank_rule::Floors& floors) {
  auto eigen = algebra.eigh(std::move(covariance));  // ascending
  auto noise = algebra.weighted_squared_column_norms(eigen.vectors, noise_of_units);
  auto columns = index_range(eigen.vectors.cols());
  std::reverse(eigen.values.begin(), eigen.values.end());
  std::reverse(noise.begin(), noise.end());
  std::reverse(columns.begin(), columns.end());
  auto rank = rank_rule::decide(eigen.values, noise, floors);
  return {std::move(eigen.values), std::move(rank), std::move(eigen.vectors), std::move(columns)};
}

FactorSpectrum spectrum_of_factor(const LinearAlgebra<double>& algebra, Matrix columns,
                                  std::span<const double> noise_of_units,
                                  const rank_rule::Floors& floors) {
  Svd svd = algebra.svd(std::move(columns));
  Matrix vectors = algebra.transposed(svd.vt);
  const auto noise = algebra.weighted_squared_column_norms(vectors, noise_of_units);
  auto variances = vector_of(array(svd.values).square());
  auto rank = rank_rule::decide(variances, noise, floors);
  auto in_order = index_range(vectors.cols());
  return {{std::move(variances), std::move(rank), std::move(vectors), std::move(in_order)},
          std::move(svd.values),
          std::move(svd.u)};
}

template struct SpectrumOf<double>;
template struct SpectrumOf<Complex>;
template SpectrumOf<double> spectrum_of_covariance(const LinearAlgebra<double>&, Matrix,
                                                   std::span<const double>,
                                                   const rank_rule::Floors&);
template SpectrumOf<Complex> spectrum_of_covariance(const LinearAlgebra<Complex>&, ComplexMatrix,
                                                    std::span<const double>,
                                                    const rank_rule::Floors&);

}  // namespace fastcca
