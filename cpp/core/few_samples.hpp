// Every measure of blocks of which one at least has more features than samples: of the samples
// themselves, each block in its own coordinates (sample_space.hpp).
#pragma once

#include "core/cca.hpp"
#include "core/measures.hpp"
#include "core/sample_space.hpp"

namespace fastcca {

// The samples of a block, centred, in as few dimensions as hold all of it: (n, k), none of them
// lost.
Matrix complete_scores(const SampledBlock& block);

struct SampledCca {
  CcaSolution solution;
  Decomposed by = Decomposed::kGram;  // of the data where that was needed for a wide block
};

// Canonical correlations as cosines between orthonormal bases of both sides (Bjorck & Golub 1973).
// A wide block is decomposed by its Gram matrix, unless the data are asked for or digits are lost.
SampledCca solve_cca(const SampledBlock& x, const SampledBlock& y, const CcaOptions& options,
                     Decomposed by);

// min(n, p, q) pairs of directions.
PlsSolution solve_pls(const SampledBlock& x, const SampledBlock& y);

// As many axes as samples; the last one is of no variance.
PrincipalAxes principal_axes(const SampledBlock& block, double rank_tolerance);

// The cosine between the two Gram matrices.
double linear_cka(const SampledBlock& x, const SampledBlock& y);

double procrustes(const SampledBlock& x, const SampledBlock& y);

Regression linear_regression(const SampledBlock& x, const SampledBlock& y, double rank_tolerance);

}  // namespace fastcca
