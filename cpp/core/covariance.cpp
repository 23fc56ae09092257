#include "core/covariance.hpp"

#include <stdexcept>
#include <string>

#include "core/host_vectors.hpp"

namespace fastcca {

double degrees_of_freedom(Index n_samples) {
  if (n_samples < 2) {
    throw std::invalid_argument("a comparison needs at least 2 samples, but there " +
                                std::string(n_samples == 1 ? "is 1" : "are 0"));
  }
  return static_cast<double>(n_samples - 1);
}

BlockCovariance covariance_of(const Moments& moments, Index block) {
  const double degrees = degrees_of_freedom(moments.n_samples());
  const Block& b = moments.block(block);
  const Matrix& scatter = moments.scatter(block, block);
  const auto diagonal = moments.backend().diagonal(scatter);
  return {&scatter, degrees, vector_of(array(b.mean).square() + array(diagonal).max(0.0) / degrees),
          epsilon(b.precision), epsilon(moments.products())};
}

ComplexMatrix complex_scatter(const Moments& moments, const ComplexBlock& x,
                              const ComplexBlock& y) {
  const Backend& backend = moments.backend();
  Matrix real = moments.copy_of_cross(x.real, y.real);
  Matrix imaginary = backend.zeros(real.rows(), real.cols());
  if (x.imaginary && y.imaginary) {
    backend.add_scaled(real, 1.0, moments.copy_of_cross(*x.imaginary, *y.imaginary));
  }
  if (y.imaginary) {
    backend.add_scaled(imaginary, 1.0, moments.copy_of_cross(x.real, *y.imaginary));
  }
  if (x.imaginary) {
    backend.add_scaled(imaginary, -1.0, moments.copy_of_cross(*x.imaginary, y.real));
  }
  return backend.to_complex(real, imaginary);
}

BlockCovarianceOf<Complex> covariance_of(const Moments& moments, const ComplexBlock& block,
                                         const ComplexMatrix& scatter,
                                         const std::optional<std::vector<double>>& energy) {
  const Block& real = moments.block(block.real);
  const Block& imaginary = block.imaginary ? moments.block(*block.imaginary) : real;
  BlockCovarianceOf<Complex> out{&scatter,
                                 degrees_of_freedom(moments.n_samples()),
                                 {},
                                 epsilon(coarser(real.precision, imaginary.precision)),
                                 epsilon(moments.products())};
  if (energy) {
    out.energy = *energy;
    return out;
  }
  const auto diagonal = moments.backend().complex().diagonal(scatter);
  out.energy = vector_of(array(real.mean).square() + array(diagonal).max(0.0) / out.degrees);
  if (block.imaginary) {
    array(out.energy) += array(imaginary.mean).square();
  }
  return out;
}

}  // namespace fastcca
