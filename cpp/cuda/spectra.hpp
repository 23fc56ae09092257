// Half spectra of maps on a device, from where the maps lie. No CUDA header: the bindings view
// them.
#pragma once

#include <vector>

#include "core/types.hpp"

namespace fastcca::cuda {

class Context;

// The complex number of sample n and channel c at frequency (row, col), 0 <= col <= width / 2, is
// number ((row * (width / 2 + 1) + col) * channels + c) * samples + n of `memory`.
struct Spectra {
  Matrix memory;
  bool single = false;           // the numbers are complex64, or else complex128
  std::vector<double> energies;  // of every channel: the sum of squares of all its values
};

// Of maps whose samples are the pixels of `height` lines of `width`, in the precision of their
// dtype, at least float32.
Spectra spectra_of(Context& context, const ArrayView& maps, Index height, Index width);

}  // namespace fastcca::cuda
