// Samples of small batches, copied to where they wait for their neighbours.
#pragma once

#include "core/backend.hpp"

namespace fastcca {

// What Backend::staging_memory gives.
StagingMemory allocate_staging(Index bytes);

// What Backend::stage does.
bool stage_samples(const ArrayView& view, unsigned char* to);

}  // namespace fastcca
