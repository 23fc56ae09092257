#include "cuda/cuda_backend.hpp"
#include "cuda/devices.hpp"
#include "cuda/products.hpp"
#include "cuda/sample_reader.hpp"
#include "data.hpp"

namespace fastcca::testing {

const Backend& backend() {
  // Never destroyed: at the end of the process the driver may go first.
  static const auto* const instance = new CudaBackend(0);
  return *instance;
}

std::string description_of_backend() { return "device: " + cuda::device_name(0); }

Index samples_per_check() { return cuda::piece_of(1); }

Index single_run() { return cuda::kSingleRun; }

}  // namespace fastcca::testing
