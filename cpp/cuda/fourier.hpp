// Discrete Fourier transforms of many maps at once by cuFFT, as checked calls. Pointers are to
// device memory, T is float or double.
#pragma once

#include "cuda/context.hpp"

namespace fastcca::cuda {

struct Grid {
  Index height;
  Index width;

  Index pixels() const { return height * width; }
  // Frequencies along the width that the transform of real numbers is not known by others at.
  Index half_width() const { return width / 2 + 1; }
};

// Of `count` maps, whose pixels lie line by line and map after map: the number of map m at
// frequency (row, col), col <= width / 2, becomes out[(row * half_width + col) * count + m], so
// that each frequency's numbers lie next to each other. Two numbers of T are a complex one. The
// maps are lost.
template <class T>
void half_spectra(const Context& context, const Grid& grid, Index count, T* maps, T* out);

}  // namespace fastcca::cuda
