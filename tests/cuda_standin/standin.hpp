// What tests ask of the stand-in beside CUDA's own calls: plain C functions, for C++ and for
// ctypes. README.md says what the environment variables do.
#pragma once

#include <cstddef>

extern "C" {
// -- device memory made by a test, as another library would have made it ------------------------
void* fastcca_standin_malloc(std::size_t bytes, int device);
void fastcca_standin_free(void* pointer);
// At once, whatever is queued: a result that nobody waited for is not there yet.
void fastcca_standin_copy_in(void* device_memory, const void* host, std::size_t bytes);
void fastcca_standin_copy_out(void* host, const void* device_memory, std::size_t bytes);

// -- failures on demand -------------------------------------------------------------------------
// After `skip` calls of this name, `count` calls (negative: all) return `status`; where that is 0,
// a solver succeeds and reports `info`, and where it is -1, a synchronisation (cudaStream- and
// cudaEventSynchronize, cudaStreamWaitEvent, cudaEventRecord, cudaDeviceSynchronize) does nothing
// and returns success, as if the program had forgotten it. The name "allocation" stands for
// cudaMalloc, cudaMallocAsync and cudaMallocFromPoolAsync.
void fastcca_standin_fail(const char* call, int skip, int count, int status, int info);
void fastcca_standin_fail_nothing();
void fastcca_standin_set_memory(std::size_t bytes);  // of every device

// -- what is alive ------------------------------------------------------------------------------
// kind: "blocks", "bytes", "pinned", "streams", "events", "blas handles", "solver handles",
// "solver params", "fourier plans", "pools", "queued"
std::size_t fastcca_standin_count(const char* kind);
// How often a call of this name was made.
std::size_t fastcca_standin_calls(const char* call);
// All live blocks, pinned blocks, streams, events and handles together; a list of them goes to
// stderr where `print` is not 0.
std::size_t fastcca_standin_leaks(int print);

// -- kernels ------------------------------------------------------------------------------------
// args[0] points to the kernel's body of body_size bytes, args[1] to its count of 8 bytes.
void fastcca_standin_register_kernel(const void* host_stub, void (*twin)(void** args),
                                     std::size_t body_size);
}
