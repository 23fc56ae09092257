// Canonical correlation analysis (Hotelling 1936) of two blocks of moments.
#pragma once

#include <optional>
#include <vector>

#include "core/moments.hpp"
#include "core/whitener.hpp"

namespace fastcca {

struct CcaOptions {
  double ridge = 0.0;
  bool weights = true;
};

struct BlockReport {
  Index rank = 0;
  double condition = 1.0;
  std::vector<Index> dead;  // units without variance
};

struct CcaSolution {
  std::vector<double> correlations;  // (k,) descending in [0, 1], k = min(rank_x, rank_y)
  std::optional<Matrix> x_weights;   // (p, k)
  std::optional<Matrix> y_weights;   // (q, k)
  BlockReport x;
  BlockReport y;
};

// Blocks x and y may come in any order within the moments. Needs two samples.
CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options);

}  // namespace fastcca
