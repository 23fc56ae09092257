// cuFFT's calls give what the sums that define them give, and their guards catch mistakes.
#include <cufft.h>
#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <csignal>
#include <memory>
#include <numbers>
#include <random>
#include <vector>

#include "child.hpp"
#include "session.hpp"
#include "standin.hpp"

using standin::testing::check_death;
using standin::testing::DeviceArray;
using standin::testing::Session;

namespace {

using Complex = std::complex<double>;

constexpr int kCount = 3;  // transforms of a plan

struct Layout {
  std::vector<long long> sizes;
  std::vector<long long> in_embedding;
  long long in_stride;
  long long in_distance;
  std::vector<long long> out_embedding;
  long long out_stride;
  long long out_distance;
};

// Without gaps; with gaps between numbers, lines and transforms; side by side; one axis.
const std::vector<Layout> kLayouts{{{4, 6}, {4, 6}, 1, 24, {4, 6}, 1, 24},
                                   {{3, 5}, {3, 7}, 2, 50, {3, 6}, 3, 55},
                                   {{3, 4}, {3, 4}, kCount, 1, {3, 4}, kCount, 1},
                                   {{7}, {7}, 1, 7, {7}, kCount, 1}};

template <class In, class Out>
constexpr cufftType kType = CUFFT_R2C;
template <>
constexpr cufftType kType<double, Complex> = CUFFT_D2Z;
template <>
constexpr cufftType kType<std::complex<float>, std::complex<float>> = CUFFT_C2C;
template <>
constexpr cufftType kType<Complex, Complex> = CUFFT_Z2Z;

cufftResult execute(cufftHandle plan, float* in, std::complex<float>* out) {
  return cufftExecR2C(plan, in, reinterpret_cast<cufftComplex*>(out));
}
cufftResult execute(cufftHandle plan, double* in, Complex* out) {
  return cufftExecD2Z(plan, in, reinterpret_cast<cufftDoubleComplex*>(out));
}
cufftResult execute(cufftHandle plan, std::complex<float>* in, std::complex<float>* out) {
  return cufftExecC2C(plan, reinterpret_cast<cufftComplex*>(in),
                      reinterpret_cast<cufftComplex*>(out), CUFFT_FORWARD);
}
cufftResult execute(cufftHandle plan, Complex* in, Complex* out) {
  return cufftExecZ2Z(plan, reinterpret_cast<cufftDoubleComplex*>(in),
                      reinterpret_cast<cufftDoubleComplex*>(out), CUFFT_FORWARD);
}

struct Plan {
  Plan(const Session& session, Layout layout, cufftType type) {
    OK(cufftCreate(&handle));
    OK(cufftSetAutoAllocation(handle, 0));
    OK(cufftMakePlanMany64(handle, static_cast<int>(layout.sizes.size()), layout.sizes.data(),
                           layout.in_embedding.data(), layout.in_stride, layout.in_distance,
                           layout.out_embedding.data(), layout.out_stride, layout.out_distance,
                           type, kCount, &bytes));
    OK(cufftSetStream(handle, session.stream));
  }
  ~Plan() { OK(cufftDestroy(handle)); }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  cufftHandle handle = 0;
  std::size_t bytes = 0;
};

template <class T>
T drawn(std::mt19937& random) {
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(number(random));
  } else {
    return T(Complex(number(random), number(random)));
  }
}

std::size_t at(const std::vector<long long>& embedding, long long stride, long long distance,
               long long line, long long place, long long m) {
  const long long row = embedding.size() == 2 ? embedding[1] : 0;
  return static_cast<std::size_t>((line * row + place) * stride + m * distance);
}

}  // namespace

TEST_CASE_TEMPLATE("transforms of real and complex numbers, however they lie", In, float, double,
                   std::complex<float>, Complex) {
  constexpr bool kReal = std::is_floating_point_v<In>;
  constexpr bool kSingle = sizeof(In) == (kReal ? 4 : 8);
  using Out = std::conditional_t<kSingle, std::complex<float>, Complex>;
  const Session session;
  std::mt19937 random(5);
  for (const Layout& layout : kLayouts) {
    const long long lines = layout.sizes.size() == 2 ? layout.sizes[0] : 1;
    const long long length = layout.sizes.back();
    const long long kept = kReal ? length / 2 + 1 : length;
    std::vector<In> in(at(layout.in_embedding, layout.in_stride, layout.in_distance, lines - 1,
                          length - 1, kCount - 1) +
                       1);
    for (In& value : in) value = drawn<In>(random);
    const DeviceArray<In> from(in);
    const DeviceArray<Out> to(at(layout.out_embedding, layout.out_stride, layout.out_distance,
                                 lines - 1, kept - 1, kCount - 1) +
                              1);
    const Plan plan(session, layout, kType<In, Out>);
    const DeviceArray<char> workspace(plan.bytes);
    OK(cufftSetWorkArea(plan.handle, workspace.get()));
    OK(execute(plan.handle, from.get(), to.get()));
    CHECK(fastcca_standin_count("queued") == 1);
    session.finish();
    const std::vector<Out> out = to.values();
    double worst = 0.0;
    for (long long m = 0; m < kCount; ++m) {
      for (long long k = 0; k < lines; ++k) {
        for (long long l = 0; l < kept; ++l) {
          Complex expected = 0.0;
          for (long long i = 0; i < lines; ++i) {
            for (long long j = 0; j < length; ++j) {
              const double turns = static_cast<double>(k * i) / static_cast<double>(lines) +
                                   static_cast<double>(l * j) / static_cast<double>(length);
              expected +=
                  Complex(
                      in[at(layout.in_embedding, layout.in_stride, layout.in_distance, i, j, m)]) *
                  std::polar(1.0, -2.0 * std::numbers::pi * turns);
            }
          }
          const Complex found(
              out[at(layout.out_embedding, layout.out_stride, layout.out_distance, k, l, m)]);
          worst = std::fmax(worst, std::abs(found - expected));
          CHECK(std::isfinite(std::abs(found)));
        }
      }
    }
    CHECK(worst < (kSingle ? 3e-6 : 1e-13));
  }
}

namespace {

const Layout kSide{{4, 4}, {4, 4}, 1, 16, {4, 3}, kCount, 1};
constexpr std::size_t kIn = 16 * kCount;
constexpr std::size_t kOut = 12 * kCount;

void run_transform(std::size_t in, std::size_t out, std::size_t workspace_less, bool wait) {
  const Session session;
  const DeviceArray<double> from(std::vector<double>(in, 1.0));
  const DeviceArray<Complex> to(out);
  auto plan = std::make_unique<Plan>(session, kSide, CUFFT_D2Z);
  const DeviceArray<char> workspace(plan->bytes - workspace_less);
  OK(cufftSetWorkArea(plan->handle, workspace.get()));
  OK(execute(plan->handle, from.get(), to.get()));
  if (wait) session.finish();
  plan.reset();
}

STANDIN_CASE(transform_of_too_few_numbers) { run_transform(kIn - 1, kOut, 0, true); }
STANDIN_CASE(transform_into_too_few_numbers) { run_transform(kIn, kOut - 1, 0, true); }
STANDIN_CASE(transform_in_a_small_workspace) { run_transform(kIn, kOut, 1, true); }
STANDIN_CASE(plan_destroyed_under_its_work) { run_transform(kIn, kOut, 0, false); }
STANDIN_CASE(transform_that_nobody_waits_for) {
  const Session session;
  const DeviceArray<double> from(kIn);
  const DeviceArray<Complex> to(kOut);
  const Plan plan(session, kSide, CUFFT_D2Z);
  const DeviceArray<char> workspace(plan.bytes);
  OK(cufftSetWorkArea(plan.handle, workspace.get()));
  OK(cudaMemsetAsync(from.get(), 0, from.bytes(), session.other));
  OK(execute(plan.handle, from.get(), to.get()));
}
STANDIN_CASE(plan_with_memory_of_its_own) {
  cufftHandle handle = 0;
  long long sizes[] = {8};
  std::size_t bytes = 0;
  OK(cufftCreate(&handle));
  OK(cufftMakePlanMany64(handle, 1, sizes, sizes, 1, 8, sizes, 1, 8, CUFFT_R2C, 1, &bytes));
}

}  // namespace

TEST_CASE("transforms past their memory, out of order, or of plans that are gone") {
  check_death("transform_of_too_few_numbers", SIGABRT,
              {"cufftExecD2Z: argument idata reaches 8 bytes past"});
  check_death("transform_into_too_few_numbers", SIGABRT,
              {"cufftExecD2Z: argument odata reaches 16 bytes past"});
  check_death("transform_in_a_small_workspace", SIGABRT,
              {"cufftSetWorkArea: argument workArea reaches 1 bytes past"});
  check_death("plan_destroyed_under_its_work", SIGABRT, {"queued work still uses the plan"});
  check_death("transform_that_nobody_waits_for", SIGABRT, {"cufftExecD2Z", "cudaMemsetAsync"});
  check_death("plan_with_memory_of_its_own", SIGABRT, {"would allocate memory of its own"});
}

TEST_CASE("plans that cannot be made or used are a status") {
  const Session session;
  const DeviceArray<double> from(kIn);
  const DeviceArray<Complex> to(kOut);
  CHECK(execute(77, from.get(), to.get()) == CUFFT_INVALID_PLAN);
  const Plan plan(session, kSide, CUFFT_D2Z);
  CHECK(execute(plan.handle, from.get(), to.get()) == CUFFT_NO_WORKSPACE);
  CHECK(execute(plan.handle, to.get(), to.get()) == CUFFT_INVALID_TYPE);
  cufftHandle other = 0;
  long long one[] = {1};
  std::size_t bytes = 0;
  OK(cufftCreate(&other));
  OK(cufftSetAutoAllocation(other, 0));
  CHECK(cufftMakePlanMany64(other, 1, one, one, 1, 1, one, 1, 1, CUFFT_R2C, 4, &bytes) ==
        CUFFT_INVALID_SIZE);
  CHECK(fastcca_standin_count("fourier plans") == 2);
  OK(cufftDestroy(other));
}
