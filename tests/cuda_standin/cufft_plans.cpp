// cuFFT: plans, their streams and workspaces.
#include "cufft_plans.hpp"

#include <memory>

#include "settings.hpp"

namespace standin {
namespace {

struct Plans {
  std::map<cufftHandle, std::unique_ptr<Plan>> by_handle;
  cufftHandle last = 0;
};

Plans& plans() {
  static auto* const instance = new Plans;
  return *instance;
}

bool is_real(cufftType type) { return type == CUFFT_R2C || type == CUFFT_D2Z; }

// The last axis is `length`, what comes before it `lines`.
Numbers numbers_of(int rank, std::int64_t lines, std::int64_t length, const long long* embedding,
                   std::int64_t stride, std::int64_t distance) {
  return {.lines = lines,
          .length = length,
          .row = rank == 1 ? length : embedding[1],
          .stride = stride,
          .distance = distance};
}

}  // namespace

Plan* find_plan(cufftHandle handle) {
  const auto found = plans().by_handle.find(handle);
  return found == plans().by_handle.end() ? nullptr : found->second.get();
}

}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cufftResult cufftCreate(cufftHandle* handle) {
  const Entry entry("cufftCreate");
  if (settings().driver != Driver::kPresent) return CUFFT_SETUP_FAILED;
  if (entry.failure() != 0) return static_cast<cufftResult>(entry.failure());
  auto plan = std::make_unique<Plan>();
  plan->handle = make_handle(HandleKind::kFourierPlan);
  *handle = ++plans().last;
  plans().by_handle[*handle] = std::move(plan);
  return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle handle) {
  const Entry entry("cufftDestroy");
  const Plan* plan = find_plan(handle);
  if (plan == nullptr) die("cufftDestroy: no such plan, or not any more");
  if (plan->handle->workspace && is_queued(*plan->handle->workspace->block)) {
    die("cufftDestroy: queued work still uses the plan");
  }
  destroy_handle(plan->handle);
  plans().by_handle.erase(handle);
  return CUFFT_SUCCESS;
}

cufftResult cufftSetAutoAllocation(cufftHandle handle, int allocates) {
  const Entry entry("cufftSetAutoAllocation");
  Plan* plan = find_plan(handle);
  if (plan == nullptr || plan->is_made) return CUFFT_INVALID_PLAN;
  plan->allocates = allocates != 0;
  return static_cast<cufftResult>(entry.failure());
}

// NOLINTBEGIN(readability-non-const-parameter): the signature is cuFFT's
cufftResult cufftMakePlanMany64(cufftHandle handle, int rank, long long* sizes,
                                long long* in_embedding, long long in_stride, long long in_distance,
                                long long* out_embedding, long long out_stride,
                                long long out_distance, cufftType type, long long batch,
                                std::size_t* workspace_bytes) {
  // NOLINTEND(readability-non-const-parameter)
  const Entry entry("cufftMakePlanMany64");
  Plan* plan = find_plan(handle);
  if (plan == nullptr || plan->is_made) return CUFFT_INVALID_PLAN;
  if (entry.failure() != 0) return static_cast<cufftResult>(entry.failure());
  if (plan->allocates) die("cufftMakePlanMany64: the plan would allocate memory of its own");
  if (rank < 1 || rank > 2) die("cufftMakePlanMany64: the stand-in has ranks 1 and 2");
  if (in_embedding == nullptr || out_embedding == nullptr) {
    die("cufftMakePlanMany64: the stand-in needs inembed and onembed");
  }
  const std::int64_t lines = rank == 1 ? 1 : sizes[0];
  const std::int64_t length = sizes[rank - 1];
  const std::int64_t kept = is_real(type) ? length / 2 + 1 : length;
  // What cuFFT makes of an axis of one number is not documented.
  if (length < 2 || (rank == 2 && lines < 2)) return CUFFT_INVALID_SIZE;
  if (batch < 1 || in_stride < 1 || out_stride < 1 ||
      (rank == 2 && (in_embedding[1] < length || out_embedding[1] < kept))) {
    return CUFFT_INVALID_VALUE;
  }
  plan->is_made = true;
  plan->type = type;
  plan->batch = batch;
  plan->in = numbers_of(rank, lines, length, in_embedding, in_stride, in_distance);
  plan->out = numbers_of(rank, lines, kept, out_embedding, out_stride, out_distance);
  // Not what cuFFT takes, but never nothing, and less for smaller problems.
  plan->workspace_bytes = static_cast<std::size_t>(batch * lines * kept) * 8 + 256;
  *workspace_bytes = plan->workspace_bytes;
  return CUFFT_SUCCESS;
}

cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream) {
  const Entry entry("cufftSetStream");
  const Plan* plan = find_plan(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  const std::optional<Operand> workspace = plan->handle->workspace;
  set_stream(entry.name(), *plan->handle, stream);
  plan->handle->workspace = workspace;
  return static_cast<cufftResult>(entry.failure());
}

cufftResult cufftSetWorkArea(cufftHandle handle, void* workspace) {
  const Entry entry("cufftSetWorkArea");
  const Plan* plan = find_plan(handle);
  if (plan == nullptr || !plan->is_made) return CUFFT_INVALID_PLAN;
  plan->handle->workspace =
      device_operand(entry.name(), "workArea", workspace, plan->handle->device,
                     {.offset = 0, .width = plan->workspace_bytes}, true);
  return static_cast<cufftResult>(entry.failure());
}

}  // extern "C"
