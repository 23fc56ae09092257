#include "core/block.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace fastcca {

namespace {

double degrees_of(const Moments& moments) {
  if (moments.n_samples() < 2) {
    throw std::invalid_argument("a comparison needs at least 2 samples, but there " +
                                std::string(moments.n_samples() == 1 ? "is 1" : "are 0"));
  }
  return static_cast<double>(moments.n_samples() - 1);
}

std::vector<double> energy_of(const std::vector<double>& mean, const std::vector<double>& diagonal,
                              double degrees) {
  std::vector<double> out(mean.size());
  for (std::size_t j = 0; j < mean.size(); ++j) {
    out[j] = mean[j] * mean[j] + std::max(diagonal[j], 0.0) / degrees;
  }
  return out;
}

Matrix oriented_tile(const Moments& moments, Index i, Index j) {
  const Backend& backend = moments.backend();
  return j <= i ? backend.copy(moments.scatter(i, j)) : backend.transposed(moments.scatter(j, i));
}

// conj(i)' j of centred complex samples, from the scatter of their real and imaginary parts.
ComplexMatrix complex_tile(const Moments& moments, const ComplexBlock& i, const ComplexBlock& j) {
  const Backend& backend = moments.backend();
  Matrix real = oriented_tile(moments, i.real, j.real);
  Matrix imaginary = backend.copy(real);
  backend.add_scaled(imaginary, -1.0, real);  // zeros of the right shape
  if (i.imaginary && j.imaginary) {
    backend.add_scaled(real, 1.0, oriented_tile(moments, *i.imaginary, *j.imaginary));
  }
  if (j.imaginary) {
    backend.add_scaled(imaginary, 1.0, oriented_tile(moments, i.real, *j.imaginary));
  }
  if (i.imaginary) {
    backend.add_scaled(imaginary, -1.0, oriented_tile(moments, *i.imaginary, j.real));
  }
  return backend.to_complex(real, imaginary);
}

double complex_epsilon(const Moments& moments, const ComplexBlock& block) {
  const Precision real = moments.block(block.real).precision;
  return epsilon(block.imaginary ? coarser(real, moments.block(*block.imaginary).precision) : real);
}

std::vector<double> complex_energy(const Moments& moments, const ComplexBlock& block,
                                   const std::vector<double>& diagonal, double degrees) {
  auto out = energy_of(moments.block(block.real).mean, diagonal, degrees);
  if (block.imaginary) {
    const auto& mean = moments.block(*block.imaginary).mean;
    for (std::size_t j = 0; j < mean.size(); ++j) {
      out[j] += mean[j] * mean[j];
    }
  }
  return out;
}

}  // namespace

BlockCovariance covariance_of(const Moments& moments, Index block) {
  const Block& b = moments.block(block);
  const Matrix& scatter = moments.scatter(block, block);
  const double degrees = degrees_of(moments);
  return {&scatter, degrees, energy_of(b.mean, moments.backend().diagonal(scatter), degrees),
          epsilon(b.precision), epsilon(moments.products())};
}

BlockPair pair_of(const Moments& moments, Index x, Index y) {
  degrees_of(moments);  // without samples there are no blocks either
  const bool swapped = x < y;
  const Index row = swapped ? y : x;
  const Index col = swapped ? x : y;
  return {covariance_of(moments, row), covariance_of(moments, col), &moments.scatter(row, col),
          swapped};
}

ComplexPair::ComplexPair(const Moments& moments, const ComplexBlock& x, const ComplexBlock& y,
                         std::optional<std::vector<double>> x_energy,
                         std::optional<std::vector<double>> y_energy)
    : xx_(complex_tile(moments, x, x)),
      xy_(complex_tile(moments, x, y)),
      yy_(complex_tile(moments, y, y)),
      degrees_(degrees_of(moments)),
      x_epsilon_(complex_epsilon(moments, x)),
      y_epsilon_(complex_epsilon(moments, y)),
      product_epsilon_(epsilon(moments.products())) {
  const auto& complex = moments.backend().complex();
  x_energy_ =
      x_energy ? std::move(*x_energy) : complex_energy(moments, x, complex.diagonal(xx_), degrees_);
  y_energy_ =
      y_energy ? std::move(*y_energy) : complex_energy(moments, y, complex.diagonal(yy_), degrees_);
}

Index ComplexPair::bytes(const Moments& moments, const ComplexBlock& x, const ComplexBlock& y) {
  constexpr Index kCopies = 6;  // the scatters, correlations, factors, what decompositions work on
  const Index units =
      moments.scatter(x.real, x.real).rows() + moments.scatter(y.real, y.real).rows();
  return kCopies * static_cast<Index>(sizeof(Complex)) * units * units;
}

BlockPairOf<Complex> ComplexPair::pair() const {
  return {{&xx_, degrees_, x_energy_, x_epsilon_, product_epsilon_},
          {&yy_, degrees_, y_energy_, y_epsilon_, product_epsilon_},
          &xy_,
          false};
}

}  // namespace fastcca
