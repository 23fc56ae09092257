// Samples whose canonical correlations are known beforehand.
#pragma once

#include <vector>

#include "data.hpp"

namespace fastcca::testing {

// Columns that are orthonormal and sum to zero: samples of uncorrelated variables.
Dense uncorrelated(Index n, Index cols, unsigned seed);

struct Known {
  Dense x;
  Dense y;
  std::vector<double> correlations;
};

// p and q features with these correlations, mixed by invertible maps and moved by offsets.
Known known(Index n, Index p, Index q, const std::vector<double>& correlations, unsigned seed);

// The same, each side mixed by a map of this condition number and not moved.
Known known_with_condition(Index n, Index p, Index q, const std::vector<double>& correlations,
                           double kappa, unsigned seed);

// Descending, in [0, 1], and as wanted.
void check_correlations(const std::vector<double>& found, const std::vector<double>& wanted,
                        double tolerance);

}  // namespace fastcca::testing
