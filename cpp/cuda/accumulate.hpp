// First and second moments of one batch on a device. The context is the caller's alone meanwhile.
#pragma once

#include <span>

#include "core/backend.hpp"
#include "cuda/context.hpp"

namespace fastcca::cuda {

BatchMoments accumulate(Context& context, std::span<const ArrayView> blocks, const KeptPairs& kept,
                        int threads);
// The same with products in single precision, where the samples fit into its range.
BatchMoments accumulate_single(Context& context, std::span<const ArrayView> blocks,
                               const KeptPairs& kept, int threads);

}  // namespace fastcca::cuda
