// What cudart's calls have in common: the current device, the last error, streams by handle.
#pragma once

#include <cuda_runtime_api.h>

#include "failures.hpp"
#include "streams.hpp"

namespace standin {

// Remembers an error for cudaGetLastError.
cudaError_t result(cudaError_t status);
// Why a call cannot work at all (no driver, no device, a forked process), or what a test asked for.
cudaError_t refusal(const Entry& entry);

int current_device();
// Ends the process for handles of no living stream.
StreamPointer stream_of(const char* call, cudaStream_t handle);
// The same, and for stream 0: work there is a stream forgotten.
StreamPointer working_stream(const char* call, cudaStream_t handle);
std::size_t live_events();

}  // namespace standin
