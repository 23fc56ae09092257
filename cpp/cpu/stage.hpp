// Samples of small batches, copied to where they wait for their neighbours.
#pragma once

#include "core/types.hpp"

namespace fastcca {

// As Backend::stage.
bool stage_samples(const ArrayView& view, unsigned char* to);

}  // namespace fastcca
