// What the files of the module of CUDA devices share.
#pragma once

#include <pybind11/pybind11.h>

#include "cuda/cuda_backend.hpp"

namespace fastcca {

// Made when it is first asked for; an error where the device does not exist.
const CudaBackend& cuda_backend(int device);

// module_cuda_arrays.cpp
void bind_device_arrays(pybind11::module_& m);

// module_cuda_spectra.cpp
void bind_spectra(pybind11::module_& m);

}  // namespace fastcca
