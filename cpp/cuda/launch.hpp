// The one way in which kernels are launched. Only CUDA sources include this.
//
// A kernel is a body: a trivially copyable struct with `__host__ __device__ void operator()(Index
// i) const`, called for every i of a range, in any order and at once. Device memory that it touches
// are plain pointers among its members.
#pragma once

#include <cuda_runtime.h>
#include <dlfcn.h>

#include <algorithm>
#include <type_traits>

#include "core/types.hpp"
#include "cuda/check.hpp"

namespace fastcca::cuda {

template <class Body>
__global__ void for_all(Body body, Index count) {
  const Index step = static_cast<Index>(gridDim.x) * blockDim.x;
  for (Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    body(i);
  }
}

// Where the tests' stand-in for a device is loaded, it is told what runs in the kernel's place: the
// same body on the host.
template <class Body>
bool tell_stand_in() {
  using Twin = void (*)(void** arguments);
  using Register = void (*)(const void* kernel, Twin twin, std::size_t body_size);
  const auto tell =
      reinterpret_cast<Register>(dlsym(RTLD_DEFAULT, "fastcca_standin_register_kernel"));
  if (tell != nullptr) {
    const Twin twin = [](void** arguments) {
      const Body& body = *static_cast<const Body*>(arguments[0]);
      const Index count = *static_cast<const Index*>(arguments[1]);
      for (Index i = 0; i < count; ++i) {
        body(i);
      }
    };
    tell(reinterpret_cast<const void*>(&for_all<Body>), twin, sizeof(Body));
  }
  return true;
}

template <class Body>
void launch(cudaStream_t stream, Index count, Body body) {
  static_assert(std::is_trivially_copyable_v<Body>);
  [[maybe_unused]] static const bool told = tell_stand_in<Body>();
  if (count <= 0) {
    return;
  }
  constexpr Index kThreads = 256;
  constexpr Index kMostBlocks = Index{1} << 20;
  const auto blocks = std::min((count + kThreads - 1) / kThreads, kMostBlocks);
  __builtin_clear_padding(&body);  // the stand-in looks for pointers in all of it
  void* arguments[] = {&body, &count};
  check(cudaLaunchKernel(reinterpret_cast<const void*>(&for_all<Body>),
                         dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(kThreads)),
                         arguments, 0, stream),
        "cudaLaunchKernel");
}

}  // namespace fastcca::cuda
