// Samples of small batches, copied to where they wait for their neighbours.
#pragma once

#include "core/backend.hpp"

namespace fastcca {

// As Backend::staging_memory.
StagingMemory allocate_staging(Index bytes);

// As Backend::stage.
bool stage_samples(const ArrayView& view, unsigned char* to);

}  // namespace fastcca
