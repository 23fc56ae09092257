#include "cuda/fourier.hpp"

#include <cufft.h>

#include <type_traits>
#include <vector>

#include "cuda/spectra_kernels.hpp"

namespace fastcca::cuda {

namespace {

// One transform of each of many maps. Its workspace comes from the context's memory.
class Plan {
 public:
  // Maps of these sizes lie after each other, without gaps; the results' numbers of one frequency
  // do, `kept` frequencies along the last axis.
  Plan(const Context& context, std::vector<long long> sizes, long long kept, cufftType type,
       Index count)
      : Plan(context) {
    const auto rank = static_cast<int>(sizes.size());
    std::vector<long long> kept_sizes = sizes;
    kept_sizes.back() = kept;
    long long pixels = 1;
    for (const long long size : sizes) {
      pixels *= size;
    }
    std::size_t bytes = 0;
    check(cufftSetAutoAllocation(plan_, 0), "cufftSetAutoAllocation");
    check(cufftMakePlanMany64(plan_, rank, sizes.data(), sizes.data(), 1, pixels, kept_sizes.data(),
                              count, 1, type, count, &bytes),
          "cufftMakePlanMany64");
    check(cufftSetStream(plan_, context.stream()), "cufftSetStream");
    workspace_ = context.buffer<unsigned char>(static_cast<Index>(bytes));
    check(cufftSetWorkArea(plan_, workspace_.get()), "cufftSetWorkArea");
  }
  ~Plan() {
    cudaStreamSynchronize(stream_);  // the plan has tables on the device
    cufftDestroy(plan_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  cufftHandle get() const { return plan_; }

 private:
  explicit Plan(const Context& context) : stream_(context.stream()) {
    check(cufftCreate(&plan_), "cufftCreate");
  }

  cudaStream_t stream_;
  cufftHandle plan_ = 0;
  DeviceBuffer<unsigned char> workspace_;
};

void transform_real(const Plan& plan, float* maps, float* out) {
  check(cufftExecR2C(plan.get(), maps, reinterpret_cast<cufftComplex*>(out)), "cufftExecR2C");
}

void transform_real(const Plan& plan, double* maps, double* out) {
  check(cufftExecD2Z(plan.get(), maps, reinterpret_cast<cufftDoubleComplex*>(out)), "cufftExecD2Z");
}

void transform_complex(const Plan& plan, float* maps, float* out) {
  check(cufftExecC2C(plan.get(), reinterpret_cast<cufftComplex*>(maps),
                     reinterpret_cast<cufftComplex*>(out), CUFFT_FORWARD),
        "cufftExecC2C");
}

void transform_complex(const Plan& plan, double* maps, double* out) {
  check(cufftExecZ2Z(plan.get(), reinterpret_cast<cufftDoubleComplex*>(maps),
                     reinterpret_cast<cufftDoubleComplex*>(out), CUFFT_FORWARD),
        "cufftExecZ2Z");
}

}  // namespace

// What cuFFT makes of an axis of one pixel is not documented: it is left out.
template <class T>
void half_spectra(const Context& context, const Grid& grid, Index count, T* maps, T* out) {
  constexpr bool kSingle = std::is_same_v<T, float>;
  if (grid.pixels() == 1) {
    widen_to_complex(context.stream(), maps, count, out);
    return;
  }
  if (grid.width == 1) {
    const auto widened = context.buffer<T>(2 * grid.height * count);
    widen_to_complex(context.stream(), maps, grid.height * count, widened.get());
    const Plan plan(context, {grid.height}, grid.height, kSingle ? CUFFT_C2C : CUFFT_Z2Z, count);
    transform_complex(plan, widened.get(), out);
    return;
  }
  std::vector<long long> sizes{grid.height, grid.width};
  if (grid.height == 1) {
    sizes.erase(sizes.begin());
  }
  const Plan plan(context, std::move(sizes), grid.half_width(), kSingle ? CUFFT_R2C : CUFFT_D2Z,
                  count);
  transform_real(plan, maps, out);
}

template void half_spectra(const Context&, const Grid&, Index, float*, float*);
template void half_spectra(const Context&, const Grid&, Index, double*, double*);

}  // namespace fastcca::cuda
