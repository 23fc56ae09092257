// Arrays in device memory, as another library would hand them over.
#pragma once

#include <memory>

#include "cuda/cuda_backend.hpp"
#include "data.hpp"

namespace fastcca::testing {

const CudaBackend& cuda_backend();

// Samples with all their bytes in device memory, which is freed with it.
struct DeviceSamples {
  std::shared_ptr<void> memory;
  ArrayView view;
};
DeviceSamples to_device(const Samples& samples);

}  // namespace fastcca::testing
