// The weights of projection weighted CCA (Morcos et al. 2018).
#pragma once

#include <span>
#include <vector>

#include "core/backend.hpp"

namespace fastcca {

// Shares, (k,) of sum 1, of the absolute column sums of the covariances (p, k) of features with
// variates. Correlations (k,), descending, that are closer than they are accurate count as tied:
// any rotation of their variates would do, and those are taken that explain the most variance of
// the features, one after the other.
std::vector<double> projection_weights(const LinearAlgebra<double>& algebra, const Matrix& loadings,
                                       std::span<const double> correlations);

}  // namespace fastcca
