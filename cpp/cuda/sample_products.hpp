// Products of samples with a matrix, for the variates of a result.
#pragma once

#include <span>

#include "cuda/context.hpp"

namespace fastcca::cuda {

// See CudaBackend::multiply_samples.
Matrix multiply_samples(Context& context, std::span<const ArrayView> blocks,
                        std::span<const double> shift, const ArrayView& weights);

}  // namespace fastcca::cuda
