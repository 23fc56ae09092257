// cuFFT: forward transforms, by the sums that define them, in double.
#include <complex>
#include <cstring>
#include <numbers>
#include <type_traits>
#include <vector>

#include "cufft_plans.hpp"

namespace standin {
namespace {

using Complex = std::complex<double>;

// exp(-2 pi i k / size) for all k
std::vector<Complex> roots(std::int64_t size) {
  std::vector<Complex> result;
  for (std::int64_t k = 0; k < size; ++k) {
    result.push_back(std::polar(
        1.0, -2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size)));
  }
  return result;
}

// out[k] = sum over j of in[j] roots[j k], `step` numbers apart
void sum(const std::vector<Complex>& roots, const Complex* in, std::int64_t step, std::int64_t kept,
         Complex* out) {
  const auto size = static_cast<std::int64_t>(roots.size());
  for (std::int64_t k = 0; k < kept; ++k) {
    Complex total = 0.0;
    for (std::int64_t j = 0; j < size; ++j) {
      total += in[j * step] * roots[static_cast<std::size_t>(j * k % size)];
    }
    out[k * step] = total;
  }
}

template <class In, class Out>
void transform(const Plan& plan, const In* in, Out* out) {
  const Numbers& from = plan.in;
  const Numbers& to = plan.out;
  const std::vector<Complex> along = roots(from.length);
  const std::vector<Complex> across = roots(from.lines);
  std::vector<Complex> values(static_cast<std::size_t>(from.lines * from.length));
  std::vector<Complex> lines(values.size());
  std::vector<Complex> sums(values.size());
  for (std::int64_t m = 0; m < plan.batch; ++m) {
    for (std::int64_t i = 0; i < from.lines; ++i) {
      for (std::int64_t j = 0; j < from.length; ++j) {
        values[static_cast<std::size_t>(i * from.length + j)] = Complex(in[from.index(i, j, m)]);
      }
    }
    for (std::int64_t i = 0; i < from.lines; ++i) {
      sum(along, &values[static_cast<std::size_t>(i * from.length)], 1, to.length,
          &lines[static_cast<std::size_t>(i * from.length)]);
    }
    for (std::int64_t j = 0; j < to.length; ++j) {
      const auto column = static_cast<std::size_t>(j);
      sum(across, &lines[column], from.length, from.lines, &sums[column]);
    }
    for (std::int64_t i = 0; i < to.lines; ++i) {
      for (std::int64_t j = 0; j < to.length; ++j) {
        out[to.index(i, j, m)] = Out(sums[static_cast<std::size_t>(i * from.length + j)]);
      }
    }
  }
}

// From the first to the last number.
template <class T>
Operand operand(const char* call, const char* argument, const Plan& plan, const Numbers& numbers,
                T* data, bool writes) {
  const std::size_t last = numbers.index(numbers.lines - 1, numbers.length - 1, plan.batch - 1);
  if (reinterpret_cast<std::uintptr_t>(data) % sizeof(T) != 0) {
    die("%s: argument %s is not aligned to a number", call, argument);
  }
  return device_operand(call, argument, data, plan.handle->device,
                        {.offset = 0, .width = (last + 1) * sizeof(T)}, writes);
}

void spoil(const Operand& workspace) {
  std::memset(workspace.data(), 0xFF, workspace.region.width);
}

template <class In, class Out>
cufftResult execute(const char* name, cufftType type, cufftHandle handle, In* in, Out* out,
                    int direction = CUFFT_FORWARD) {
  const Entry entry(name);
  const Plan* plan = find_plan(handle);
  if (plan == nullptr || !plan->is_made) return CUFFT_INVALID_PLAN;
  const StreamPointer stream = stream_of_call(name, *plan->handle);
  if (plan->type != type) return CUFFT_INVALID_TYPE;
  if (entry.failure() != 0) return static_cast<cufftResult>(entry.failure());
  if (!plan->handle->workspace) return CUFFT_NO_WORKSPACE;
  if (direction != CUFFT_FORWARD) die("%s: the stand-in transforms forward alone", name);
  const Operand workspace = *plan->handle->workspace;
  const Operand from = operand(name, "idata", *plan, plan->in, in, false);
  const Operand to = operand(name, "odata", *plan, plan->out, out, true);
  if (from.block == to.block) die("%s: the stand-in has no transforms in place", name);
  enqueue(
      stream,
      {.name = name, .operands = {from, to, workspace}, .run = [=, plan = *plan](const Moment&) {
         spoil(workspace);
         transform(plan, reinterpret_cast<const In*>(from.data()),
                   reinterpret_cast<Out*>(to.data()));
         spoil(workspace);
       }});
  return CUFFT_SUCCESS;
}

std::complex<float>* standard(cufftComplex* p) { return reinterpret_cast<std::complex<float>*>(p); }
Complex* standard(cufftDoubleComplex* p) { return reinterpret_cast<Complex*>(p); }

}  // namespace
}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cufftResult cufftExecR2C(cufftHandle plan, cufftReal* in, cufftComplex* out) {
  return execute("cufftExecR2C", CUFFT_R2C, plan, in, standard(out));
}

cufftResult cufftExecD2Z(cufftHandle plan, cufftDoubleReal* in, cufftDoubleComplex* out) {
  return execute("cufftExecD2Z", CUFFT_D2Z, plan, in, standard(out));
}

cufftResult cufftExecC2C(cufftHandle plan, cufftComplex* in, cufftComplex* out, int direction) {
  return execute("cufftExecC2C", CUFFT_C2C, plan, standard(in), standard(out), direction);
}

cufftResult cufftExecZ2Z(cufftHandle plan, cufftDoubleComplex* in, cufftDoubleComplex* out,
                         int direction) {
  return execute("cufftExecZ2Z", CUFFT_Z2Z, plan, standard(in), standard(out), direction);
}

}  // extern "C"
