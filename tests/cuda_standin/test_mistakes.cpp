// Every guard catches the mistake that it is there for.
#include <doctest/doctest.h>

#include <csignal>
#include <vector>

#include "child.hpp"
#include "session.hpp"
#include "standin.hpp"

using standin::testing::check_death;
using standin::testing::DeviceArray;
using standin::testing::PinnedArray;
using standin::testing::run_case;
using standin::testing::Session;

namespace {

constexpr double kOne = 1.0;
constexpr double kZero = 0.0;

STANDIN_CASE(host_reads_device_memory) {
  const DeviceArray<double> a(std::vector<double>(4, 1.0));
  std::printf("%g\n", *static_cast<volatile double*>(a.get()));
}
STANDIN_CASE(host_writes_device_memory) {
  const DeviceArray<double> a(4);
  *static_cast<volatile double*>(a.get()) = 1.0;
}
STANDIN_CASE(copy_past_the_end) {
  const DeviceArray<double> a(4);
  const std::vector<double> host(5);
  OK(cudaMemcpy(a.get(), host.data(), 5 * sizeof(double), cudaMemcpyHostToDevice));
}
STANDIN_CASE(rows_past_the_end) {
  const Session session;
  const DeviceArray<double> a(10);
  OK(cudaMemset2DAsync(a.get() + 1, 4 * sizeof(double), 0, 2 * sizeof(double), 3, session.stream));
}
STANDIN_CASE(copy_past_the_end_of_pinned_memory) {
  const Session session;
  const DeviceArray<double> a(4);
  const PinnedArray host(3);
  OK(cudaMemcpyAsync(a.get(), host.get(), a.bytes(), cudaMemcpyHostToDevice, session.stream));
}
STANDIN_CASE(copy_of_the_wrong_kind) {
  const DeviceArray<double> a(4);
  std::vector<double> host(4);
  OK(cudaMemcpy(host.data(), a.get(), a.bytes(), cudaMemcpyHostToDevice));
}
STANDIN_CASE(use_after_free) {
  const Session session;
  double* a = nullptr;
  OK(cudaMalloc(reinterpret_cast<void**>(&a), 32));
  OK(cudaFree(a));
  OK(cudaMemsetAsync(a, 0, 32, session.stream));
}
STANDIN_CASE(use_after_free_in_stream_order) {
  const Session session;
  void* a = nullptr;
  OK(cudaMallocAsync(&a, 32, session.stream));
  OK(cudaFreeAsync(a, session.stream));
  OK(cudaMemsetAsync(a, 0, 32, session.stream));
}
STANDIN_CASE(free_twice) {
  void* a = nullptr;
  OK(cudaMalloc(&a, 32));
  OK(cudaFree(a));
  OK(cudaFree(a));
}
STANDIN_CASE(free_pinned_memory_in_use) {
  const Session session;
  const DeviceArray<double> a(4);
  const PinnedArray host(4);
  OK(cudaMemcpyAsync(a.get(), host.get(), a.bytes(), cudaMemcpyHostToDevice, session.stream));
  OK(cudaFreeHost(host.get()));
}
STANDIN_CASE(gemm_of_host_memory) {
  const Session session;
  const DeviceArray<double> c(4);
  const std::vector<double> a(4);
  OK(cublasDgemm(session.blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &kOne, a.data(), 2, c.get(), 2,
                 &kZero, c.get(), 2));
}
STANDIN_CASE(gemm_past_the_end) {
  const Session session;
  const DeviceArray<double> a(11);  // 3 columns of 2 rows, 5 apart, end at 12
  const DeviceArray<double> c(4);
  OK(cublasDgemm(session.blas, CUBLAS_OP_N, CUBLAS_OP_T, 2, 2, 3, &kOne, a.get(), 5, a.get(), 5,
                 &kZero, c.get(), 2));
}
STANDIN_CASE(alpha_in_device_memory) {
  const Session session;
  const DeviceArray<double> a(std::vector<double>(4, 1.0));
  const DeviceArray<double> c(4);
  OK(cublasDgemm(session.blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, a.get(), a.get(), 2, a.get(), 2,
                 &kZero, c.get(), 2));
}
STANDIN_CASE(handle_without_stream) {
  cublasHandle_t handle = nullptr;
  OK(cublasCreate(&handle));
  const DeviceArray<double> a(4);
  OK(cublasDaxpy(handle, 4, &kOne, a.get(), 1, a.get(), 1));
}
STANDIN_CASE(copy_on_stream_zero) {
  const DeviceArray<double> a(4);
  OK(cudaMemsetAsync(a.get(), 0, a.bytes(), nullptr));
}
STANDIN_CASE(destroyed_stream) {
  const DeviceArray<double> a(4);
  cudaStream_t stream = nullptr;
  OK(cudaStreamCreate(&stream));
  OK(cudaStreamDestroy(stream));
  OK(cudaMemsetAsync(a.get(), 0, a.bytes(), stream));
}
STANDIN_CASE(handle_of_another_device) {
  const Session session;
  const DeviceArray<double> a(4);
  OK(cudaSetDevice(1));
  OK(cublasDaxpy(session.blas, 4, &kOne, a.get(), 1, a.get(), 1));
}
STANDIN_CASE(memory_of_another_device) {
  const Session session;
  OK(cudaSetDevice(1));
  const DeviceArray<double> a(4);
  OK(cudaSetDevice(0));
  OK(cublasDaxpy(session.blas, 4, &kOne, a.get(), 1, a.get(), 1));
}
STANDIN_CASE(leaks_one_block) {
  void* a = nullptr;
  OK(cudaMalloc(&a, 640));
}
STANDIN_CASE(leaks_one_stream) {
  cudaStream_t stream = nullptr;
  OK(cudaStreamCreate(&stream));
}
STANDIN_CASE(leaks_nothing) {
  const Session session;
  const DeviceArray<double> a(4);
}

}  // namespace

TEST_CASE("host code that touches device memory faults, and the block is named") {
  check_death("host_reads_device_memory", SIGSEGV, {"host code touched", "(32 bytes, cudaMalloc"});
  check_death("host_writes_device_memory", SIGSEGV, {"host code touched", "byte 0 of block"});
}

TEST_CASE("what reaches past a block's end is named") {
  check_death("copy_past_the_end", SIGABRT, {"cudaMemcpy: argument dst reaches 8 bytes past"});
  check_death("rows_past_the_end", SIGABRT, {"cudaMemset2DAsync: argument devPtr reaches 8 bytes"});
  check_death("copy_past_the_end_of_pinned_memory", SIGABRT,
              {"cudaMemcpyAsync: argument src reaches 8 bytes past", "(24 bytes, cuda"});
  check_death("gemm_past_the_end", SIGABRT,
              {"cublasDgemm_v2: argument A reaches 8 bytes past", "(88 bytes",
               "3 rows of 16 bytes, 40 bytes"});
}

TEST_CASE("memory of the wrong kind is named") {
  check_death("copy_of_the_wrong_kind", SIGABRT, {"cudaMemcpy: the kind is 1"});
  check_death("gemm_of_host_memory", SIGABRT, {"argument A must be device memory", "host memory"});
  check_death("alpha_in_device_memory", SIGABRT, {"argument alpha must be host memory"});
}

TEST_CASE("memory that was freed is not used") {
  check_death("use_after_free", SIGABRT,
              {"cudaMemsetAsync: argument devPtr", "in the freed block"});
  check_death("use_after_free_in_stream_order", SIGABRT, {"cudaFreeAsync has been called for"});
  check_death("free_twice", SIGABRT, {"cudaFree: there is no such block", "in the freed block"});
  check_death("free_pinned_memory_in_use", SIGABRT, {"cudaFreeHost: queued work still uses"});
}

TEST_CASE("streams and handles that nobody should use") {
  check_death("handle_without_stream", SIGABRT, {"cublasDaxpy_v2: the handle has no stream"});
  check_death("copy_on_stream_zero", SIGABRT, {"cudaMemsetAsync: stream 0 was given"});
  check_death("destroyed_stream", SIGABRT, {"is no stream, or one that was destroyed"});
}

TEST_CASE("devices are not mixed up") {
  const std::vector<std::string> two = {"FASTCCA_STANDIN_DEVICES=2"};
  check_death("handle_of_another_device", SIGABRT, {"the handle is of device 0, the current"}, two);
  check_death("memory_of_another_device", SIGABRT, {"device 1), but the call works on device 0"},
              two);
}

TEST_CASE("leaks are listed at exit, and can end the process") {
  const auto quiet = run_case("leaks_one_block");
  CHECK(quiet.status == 0);
  CHECK(quiet.output.empty());
  const auto listed = run_case("leaks_one_block", {"FASTCCA_STANDIN_LEAKS=-"});
  CHECK(listed.status == 0);
  CHECK(listed.output.find("alive: 1 blocks") != std::string::npos);
  CHECK(listed.output.find("(640 bytes, cudaMalloc, device 0)") != std::string::npos);
  CHECK(run_case("leaks_one_block", {"FASTCCA_STANDIN_LEAKS_FATAL=all"}).status == 86);
  CHECK(run_case("leaks_one_block", {"FASTCCA_STANDIN_LEAKS_FATAL=blocks"}).status == 86);
  CHECK(run_case("leaks_one_stream", {"FASTCCA_STANDIN_LEAKS_FATAL=all"}).status == 86);
  CHECK(run_case("leaks_one_stream", {"FASTCCA_STANDIN_LEAKS_FATAL=blocks"}).status == 0);
  const auto clean =
      run_case("leaks_nothing", {"FASTCCA_STANDIN_LEAKS=-", "FASTCCA_STANDIN_LEAKS_FATAL=all"});
  CHECK(clean.status == 0);
  CHECK(clean.output.empty());
}

TEST_CASE("a leading dimension smaller than the rows is a status") {
  const Session session;
  const DeviceArray<double> a(16);
  CHECK(cublasDgemm(session.blas, CUBLAS_OP_N, CUBLAS_OP_N, 3, 2, 2, &kOne, a.get(), 2, a.get(), 2,
                    &kZero, a.get(), 3) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasDsyrk(session.blas, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_T, 3, 4, &kOne, a.get(), 3,
                    &kZero, a.get(), 3) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasDtrsm(session.blas, CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N,
                    CUBLAS_DIAG_NON_UNIT, 3, 2, &kOne, a.get(), 3, a.get(),
                    2) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(fastcca_standin_count("queued") == 0);
}
