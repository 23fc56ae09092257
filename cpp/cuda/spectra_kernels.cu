#include "cuda/launch.hpp"
#include "cuda/spectra_kernels.hpp"

namespace fastcca::cuda {

namespace {

template <class T>
struct SquareParts {
  const T* values;
  Index size;
  Index channels;
  double* parts;
  __host__ __device__ void operator()(Index at) const {
    // Neighbours read next to each other.
    const Index t = at % kEnergyParts;
    const Index c = at / kEnergyParts;
    double total = 0.0;
    for (Index i = t; i < size; i += kEnergyParts) {
      const double value = values[c * size + i];
      total += value * value;
    }
    parts[t * channels + c] = total;
  }
};

struct JoinParts {
  const double* parts;
  Index channels;
  double* energies;
  __host__ __device__ void operator()(Index c) const {
    double total = 0.0;
    for (Index t = 0; t < kEnergyParts; ++t) {
      total += parts[t * channels + c];
    }
    energies[c] = total;
  }
};

template <class T>
struct WidenToComplex {
  const T* values;
  T* out;
  __host__ __device__ void operator()(Index i) const {
    out[2 * i] = values[i];
    out[2 * i + 1] = T{0};
  }
};

}  // namespace

template <class T>
void sum_squares(cudaStream_t stream, const T* values, Index size, Index channels, double* parts,
                 double* energies) {
  launch(stream, kEnergyParts * channels, SquareParts<T>{values, size, channels, parts});
  launch(stream, channels, JoinParts{parts, channels, energies});
}

template <class T>
void widen_to_complex(cudaStream_t stream, const T* values, Index count, T* out) {
  launch(stream, count, WidenToComplex<T>{values, out});
}

template void sum_squares(cudaStream_t, const float*, Index, Index, double*, double*);
template void sum_squares(cudaStream_t, const double*, Index, Index, double*, double*);
template void widen_to_complex(cudaStream_t, const float*, Index, float*);
template void widen_to_complex(cudaStream_t, const double*, Index, double*);

}  // namespace fastcca::cuda
