#include "core/debiased_cka.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "core/host_vectors.hpp"
#include "core/interrupt.hpp"
#include "core/units.hpp"

namespace fastcca {

DebiasedCka::Scaled DebiasedCka::scaled(const Moments& moments, Index block) {
  const LinearAlgebra<double>& algebra = moments.backend();
  const BlockCovariance covariance = covariance_of(moments, block);
  const Units units = units_of(algebra, covariance);
  const auto live = array(units.variances)(units.live);
  const double largest = units.live.empty() ? 0.0 : live.maxCoeff();
  // A power of two changes no digit.
  const double factor = largest > 0.0 ? std::exp2(-std::ceil(std::log2(largest) / 2.0)) : 1.0;
  Scaled out{moments.block(block).mean, filled(moments.block(block).size(), 0.0),
             live.sum() * factor * factor * covariance.degrees};
  array(out.factor)(units.live) = factor;
  return out;
}

DebiasedCka::DebiasedCka(const Moments& moments, Index x, Index y)
    : backend_(&moments.backend()), n_(moments.n_samples()) {
  if (n_ < 4) {
    throw std::invalid_argument("debiased CKA needs at least 4 samples, but there are " +
                                std::to_string(n_));
  }
  x_ = scaled(moments, x);
  y_ = scaled(moments, y);
  const auto norm = [&](Index i, const Scaled& rows, Index j, const Scaled& cols) {
    const Matrix& scatter = moments.scatter(i, j);
    return backend_->frobenius_norm(
        backend_->scaled_submatrix(scatter, index_range(scatter.rows()), rows.factor,
                                   index_range(scatter.cols()), cols.factor));
  };
  norms_ = {norm(x, x_, x, x_), x < y ? norm(y, y_, x, x_) : norm(x, x_, y, y_),
            norm(y, y_, y, y_)};
}

// Of samples [row, row + count) to the mean.
std::vector<double> DebiasedCka::squared_distances(const ArrayView& view, Index row, Index count,
                                                   const Scaled& of) const {
  return backend_->weighted_squared_column_norms(backend_->read_samples(view, row, count, of.mean),
                                                 vector_of(array(of.factor).square()));
}

void DebiasedCka::add(const ArrayView& x, const ArrayView& y, int threads) {
  if (x.rows != y.rows || x.cols != static_cast<Index>(x_.mean.size()) ||
      y.cols != static_cast<Index>(y_.mean.size())) {
    throw std::invalid_argument("debiased CKA needs the samples of its moments");
  }
  // Pieces and their order do not depend on the number of threads, so neither do the sums.
  const Index sample_bytes = static_cast<Index>(sizeof(double)) * std::max(x.cols, y.cols);
  const Index piece = std::max<Index>(backend_->piece_bytes() / sample_bytes, 1);
  std::vector<Sums> pieces(static_cast<std::size_t>((x.rows + piece - 1) / piece));
  backend_->for_each(threads, pieces.size(), [&](std::size_t i) {
    throw_if_interrupted();
    const Index row = static_cast<Index>(i) * piece;
    const Index count = std::min(piece, x.rows - row);
    const std::vector<double> of_x = squared_distances(x, row, count, x_);
    const std::vector<double> of_y = squared_distances(y, row, count, y_);
    for (std::size_t k = 0; k < of_x.size(); ++k) {
      pieces[i].xx += of_x[k] * of_x[k];
      pieces[i].xy += of_x[k] * of_y[k];
      pieces[i].yy += of_y[k] * of_y[k];
    }
  });
  for (const Sums& sums : pieces) {
    fourths_.xx += sums.xx;
    fourths_.xy += sums.xy;
    fourths_.yy += sums.yy;
  }
  seen_ += x.rows;
}

double DebiasedCka::value() const {
  if (seen_ != n_) {
    throw std::invalid_argument("debiased CKA of " + std::to_string(n_) + " samples was given " +
                                std::to_string(seen_));
  }
  const auto hsic = [n = static_cast<double>(n_)](double norm, double fourths, double totals) {
    return norm * norm - n / (n - 2.0) * fourths + totals / ((n - 1.0) * (n - 2.0));
  };
  const double of_x = hsic(norms_.xx, fourths_.xx, x_.total * x_.total);
  const double of_y = hsic(norms_.yy, fourths_.yy, y_.total * y_.total);
  if (of_x <= 0.0 || of_y <= 0.0) {
    return 0.0;
  }
  return hsic(norms_.xy, fourths_.xy, x_.total * y_.total) / std::sqrt(of_x) / std::sqrt(of_y);
}

}  // namespace fastcca
