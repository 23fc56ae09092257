#include "cuda/spectra.hpp"

#include <algorithm>
#include <type_traits>

#include "core/interrupt.hpp"
#include "cuda/column_sums.hpp"
#include "cuda/fourier.hpp"
#include "cuda/sample_reader.hpp"

namespace fastcca::cuda {

namespace {

// Maps that are read at once: all of the device's memory, and of the host's as many as make it
// worth a copy.
Index maps_of_piece(const ArrayView& maps, Index pixels) {
  constexpr Index kNumbers = Index{1} << 22;
  const Index all = maps.rows / pixels;
  return maps.memory == Memory::kDevice
             ? all
             : std::clamp<Index>(kNumbers / (pixels * maps.cols), 1, all);
}

// Channel after channel, each with the pixels of all maps in their order.
template <class T>
void read_maps(Context& context, const ArrayView& maps, Index pixels, T* to) {
  const Index piece = maps_of_piece(maps, pixels) * pixels;
  SampleReader reader(context, {&maps, 1}, piece, 0);
  reader.follow_computation();
  for (Index row = 0; row < maps.rows; row += piece) {
    throw_if_interrupted();
    reader.read(row, std::min(piece, maps.rows - row), nullptr,
                TargetOf<T>{to + row, 1, maps.rows});
  }
  reader.precede_computation();
}

template <class T>
Spectra transformed(Context& context, const ArrayView& maps, const Grid& grid) {
  constexpr bool kSingle = std::is_same_v<T, float>;
  constexpr Index kNumbersInDouble = kSingle ? 2 : 1;
  const Index samples = maps.rows / grid.pixels();
  const Index numbers = 2 * samples * maps.cols * grid.height * grid.half_width();
  Spectra out;
  out.single = kSingle;
  out.memory = allocate_matrix<double>(context.arena(), numbers / kNumbersInDouble, 1);
  const auto values = context.buffer<T>(maps.rows * maps.cols);
  const auto parts = context.buffer<double>(kEnergyParts * maps.cols);
  const auto energies = context.buffer<double>(maps.cols);
  read_maps(context, maps, grid.pixels(), values.get());
  context.set_zero(energies.get(), maps.cols);
  add_energies(context.stream(), ColumnsOf<T>{values.get(), 1, maps.rows, maps.rows, maps.cols},
               parts.get(), energies.get());
  half_spectra(context, grid, samples * maps.cols, values.get(),
               reinterpret_cast<T*>(out.memory.data()));
  out.energies = context.download(energies.get(), maps.cols);
  return out;
}

}  // namespace

Spectra spectra_of(Context& context, const ArrayView& maps, Index height, Index width) {
  const Grid grid{height, width};
  const bool single = maps.dtype == DType::kFloat16 || maps.dtype == DType::kBFloat16 ||
                      maps.dtype == DType::kFloat32;
  return single ? transformed<float>(context, maps, grid)
                : transformed<double>(context, maps, grid);
}

}  // namespace fastcca::cuda
