#include "core/sample_coordinates.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/interrupt.hpp"
#include "core/units.hpp"

namespace fastcca {

SampleCoordinates::SampleCoordinates(const Backend& backend, Index n, std::vector<double> mean,
                                     Matrix weights)
    : backend_(&backend),
      mean_(std::move(mean)),
      weights_(std::move(weights)),
      values_(backend.zeros(weights_->cols(), n)) {
  if (weights_->rows() != static_cast<Index>(mean_.size())) {
    throw std::invalid_argument("there are weights of " + std::to_string(weights_->rows()) +
                                " features, and means of " + std::to_string(mean_.size()));
  }
}

SampleCoordinates::SampleCoordinates(const Backend& backend, Index n, std::vector<double> mean,
                                     std::vector<Index> units)
    : backend_(&backend),
      mean_(std::move(mean)),
      units_(std::move(units)),
      values_(backend.zeros(static_cast<Index>(units_.size()), n)) {}

SampleCoordinates::SampleCoordinates(const Moments& moments, Index block)
    : SampleCoordinates(moments.backend(), moments.n_samples(), moments.block(block).mean,
                        units_of<double>(moments.backend(), covariance_of(moments, block)).live) {}

void SampleCoordinates::add(const ArrayView& samples) {
  const auto width = static_cast<Index>(mean_.size());
  if (samples.cols != width || samples.rows > values_.cols() - seen_) {
    throw std::invalid_argument("samples must be " + std::to_string(values_.cols()) + " of " +
                                std::to_string(width) + " features in all");
  }
  const Index sample_bytes = static_cast<Index>(sizeof(double)) * std::max<Index>(width, 1);
  const Index piece = std::max<Index>(backend_->piece_bytes() / sample_bytes, 1);
  Index row = 0;
  for (Index count = 0; row < samples.rows; row += count) {
    throw_if_interrupted();
    count = std::min(piece, samples.rows - row);
    Matrix read = backend_->read_samples(samples, row, count, mean_);
    if (weights_) {
      read = backend_->multiply(*weights_, Transpose::kYes, read, Transpose::kNo);
    } else if (values_.rows() < width) {
      read = backend_->submatrix(read, units_, index_range(count));
    }
    backend_->set_columns(values_, seen_ + row, read);
  }
  seen_ += row;
}

const Matrix& SampleCoordinates::values() const {
  if (seen_ != values_.cols()) {
    throw std::invalid_argument("coordinates of " + std::to_string(values_.cols()) +
                                " samples were given " + std::to_string(seen_));
  }
  return values_;
}

std::pair<double, double> SampleCoordinates::norms() const {
  return {backend_->frobenius_norm(values()),
          backend_->frobenius_norm(
              backend_->multiply(values_, Transpose::kNo, values_, Transpose::kYes))};
}

}  // namespace fastcca
