// The samples of one block in coordinates of its own: centred, or times weights.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/moments.hpp"

namespace fastcca {

class SampleCoordinates {
 public:
  // Of n samples less mean (p,), times weights (p, k).
  SampleCoordinates(const Backend& backend, Index n, std::vector<double> mean, Matrix weights);
  // Some units of n samples less mean (p,), in ascending order.
  SampleCoordinates(const Backend& backend, Index n, std::vector<double> mean,
                    std::vector<Index> units);
  // The live units of a block of moments, centred.
  SampleCoordinates(const Moments& moments, Index block);

  void add(const ArrayView& samples);
  // One sample in each column, (k, n). Throws before all n were added.
  const Matrix& values() const;
  // The root of the sum of all squares, and the Frobenius norm of the scatter.
  std::pair<double, double> norms() const;

  const Backend& backend() const { return *backend_; }

 private:
  const Backend* backend_;
  std::vector<double> mean_;
  std::optional<Matrix> weights_;
  std::vector<Index> units_;  // where there are no weights
  Matrix values_;
  Index seen_ = 0;
};

}  // namespace fastcca
