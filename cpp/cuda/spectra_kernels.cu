#include "cuda/launch.hpp"
#include "cuda/spectra_kernels.hpp"

namespace fastcca::cuda {

namespace {

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
void widen_to_complex(cudaStream_t stream, const T* values, Index count, T* out) {
  launch(stream, count, WidenToComplex<T>{values, out});
}

template void widen_to_complex(cudaStream_t, const float*, Index, float*);
template void widen_to_complex(cudaStream_t, const double*, Index, double*);

}  // namespace fastcca::cuda
