// What the module of CUDA devices has for Fourier space.
#pragma once

#include <pybind11/pybind11.h>

namespace fastcca {

void bind_spectra(pybind11::module_& m);

}  // namespace fastcca
