// What memory is there, what a pointer points to, and failures on demand.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "child.hpp"
#include "session.hpp"
#include "standin.hpp"

using standin::testing::DeviceArray;
using standin::testing::PinnedArray;
using standin::testing::run_case;
using standin::testing::Session;

namespace {

void* allocate(std::size_t bytes) {
  void* pointer = nullptr;
  OK(cudaMalloc(&pointer, bytes));
  return pointer;
}

STANDIN_CASE(two_devices) {
  int count = 0;
  OK(cudaGetDeviceCount(&count));
  CASE_REQUIRE(count == 2);
  OK(cudaSetDevice(1));
  void* const block = allocate(64);
  OK(cudaSetDevice(0));
  cudaPointerAttributes attributes{};
  OK(cudaPointerGetAttributes(&attributes, block));
  CASE_REQUIRE(attributes.device == 1);
  CASE_REQUIRE(cudaSetDevice(2) == cudaErrorInvalidDevice);
}
STANDIN_CASE(without_driver) {
  int count = -1;
  CASE_REQUIRE(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver);
  CASE_REQUIRE(count == 0);
  int version = -1;
  OK(cudaDriverGetVersion(&version));
  CASE_REQUIRE(version == 0);
  cublasHandle_t handle = nullptr;
  CASE_REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_NOT_INITIALIZED);
}
STANDIN_CASE(with_an_old_driver) {
  void* block = nullptr;
  CASE_REQUIRE(cudaMalloc(&block, 8) == cudaErrorInsufficientDriver);
  int version = 0;
  OK(cudaDriverGetVersion(&version));
  CASE_REQUIRE(version > 0 && version < CUDART_VERSION);
}
STANDIN_CASE(without_device) {
  int count = -1;
  CASE_REQUIRE(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
}
STANDIN_CASE(without_pools) {
  int supported = -1;
  OK(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0));
  CASE_REQUIRE(supported == 0);
  const Session session;
  void* block = nullptr;
  CASE_REQUIRE(cudaMallocAsync(&block, 8, session.stream) == cudaErrorNotSupported);
}
STANDIN_CASE(third_allocation_fails) {
  void* first = allocate(8);
  void* second = allocate(8);
  void* third = nullptr;
  CASE_REQUIRE(cudaMalloc(&third, 8) == cudaErrorMemoryAllocation);
  void* fourth = allocate(8);
  for (void* block : {first, second, fourth}) OK(cudaFree(block));
}
STANDIN_CASE(forked_process) {
  void* const block = allocate(8);
  const pid_t child = fork();
  if (child == 0) {
    void* another = nullptr;
    _exit(cudaMalloc(&another, 8) == cudaErrorInitializationError ? 0 : 1);
  }
  int status = -1;
  CASE_REQUIRE(waitpid(child, &status, 0) == child);
  CASE_REQUIRE(status == 0);
  OK(cudaFree(block));
}

void check_success(const char* name, const std::vector<std::string>& environment) {
  const auto outcome = run_case(name, environment);
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.signal == 0);
}

}  // namespace

TEST_CASE("fresh memory is NaN, and so is memory that is given again") {
  for (int i = 0; i < 3; ++i) {
    const DeviceArray<double> a(100);
    for (const double value : a.values()) CHECK(std::isnan(value));
    OK(cudaMemset(a.get(), 0, a.bytes()));
  }
  const PinnedArray pinned(3);
  CHECK(std::isnan(pinned[2]));
}

TEST_CASE("blocks are aligned as cudaMalloc's are, and apart") {
  const DeviceArray<char> a(1);
  const DeviceArray<char> b(5000);
  CHECK(reinterpret_cast<std::uintptr_t>(a.get()) % 256 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(b.get()) % 256 == 0);
  CHECK(std::abs(a.get() - b.get()) > 5000);
}

TEST_CASE("cudaPointerGetAttributes tells device, pinned and other memory apart") {
  const DeviceArray<double> device(4);
  const PinnedArray pinned(4);
  const std::vector<double> pageable(4);
  cudaPointerAttributes attributes{};
  OK(cudaPointerGetAttributes(&attributes, device.get() + 3));
  CHECK(attributes.type == cudaMemoryTypeDevice);
  CHECK(attributes.device == 0);
  OK(cudaPointerGetAttributes(&attributes, pinned.get() + 3));
  CHECK(attributes.type == cudaMemoryTypeHost);
  OK(cudaPointerGetAttributes(&attributes, pageable.data()));
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
}

TEST_CASE("memory runs out, and what is freed can be had again") {
  std::size_t free = 0;
  std::size_t total = 0;
  OK(cudaMemGetInfo(&free, &total));
  const std::size_t used = total - free;
  fastcca_standin_set_memory(used + 1000);
  OK(cudaMemGetInfo(&free, &total));
  CHECK(free == 1000);
  void* const block = allocate(600);
  void* another = nullptr;
  CHECK(cudaMalloc(&another, 600) == cudaErrorMemoryAllocation);
  CHECK(cudaPeekAtLastError() == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaSuccess);
  OK(cudaFree(block));
  another = allocate(600);
  OK(cudaFree(another));
  const Session session;
  OK(cudaMallocAsync(&another, 600, session.stream));
  OK(cudaFreeAsync(another, session.stream));
  OK(cudaMallocAsync(&another, 600, session.stream));  // in stream order, it is free again
  OK(cudaFreeAsync(another, session.stream));
  OK(cudaStreamSynchronize(session.stream));
  fastcca_standin_set_memory(std::size_t{4} << 30);
}

TEST_CASE("pools give memory, and are counted") {
  const std::size_t before = fastcca_standin_leaks(0);
  {
    const Session session;
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    cudaMemPool_t pool = nullptr;
    OK(cudaMemPoolCreate(&pool, &properties));
    CHECK(fastcca_standin_count("pools") == 1);
    std::uint64_t threshold = ~std::uint64_t{0};
    OK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
    void* block = nullptr;
    OK(cudaMallocFromPoolAsync(&block, 64, pool, session.stream));
    OK(cudaMemsetAsync(block, 0, 64, session.stream));
    CHECK(fastcca_standin_count("blocks") == 1);
    OK(cudaFreeAsync(block, session.stream));
    CHECK(fastcca_standin_count("blocks") == 0);
    session.finish();
    OK(cudaMemPoolTrimTo(pool, 0));
    OK(cudaMemPoolDestroy(pool));
  }
  CHECK(fastcca_standin_leaks(0) == before);
}

TEST_CASE("a test's own device memory") {
  const std::vector<double> values{1.0, 2.0, 3.0};
  void* const block = fastcca_standin_malloc(24, 0);
  fastcca_standin_copy_in(block, values.data(), 24);
  std::vector<double> back(3);
  OK(cudaMemcpy(back.data(), block, 24, cudaMemcpyDeviceToHost));
  CHECK(back == values);
  fastcca_standin_copy_out(back.data(), static_cast<double*>(block) + 1, 16);
  CHECK(back == std::vector<double>{2.0, 3.0, 3.0});
  fastcca_standin_free(block);
}

TEST_CASE("settings of the environment") {
  check_success("two_devices", {"FASTCCA_STANDIN_DEVICES=2"});
  check_success("without_driver", {"FASTCCA_STANDIN_DRIVER=missing"});
  check_success("with_an_old_driver", {"FASTCCA_STANDIN_DRIVER=old"});
  check_success("without_device", {"FASTCCA_STANDIN_DRIVER=no_device"});
  check_success("without_pools", {"FASTCCA_STANDIN_POOLS=0"});
  check_success("third_allocation_fails", {"FASTCCA_STANDIN_FAIL=allocation:2:1:2"});
  check_success("forked_process", {});
}

TEST_CASE("any call fails where a test asks for it") {
  fastcca_standin_fail("cudaStreamCreateWithFlags", 0, 2, cudaErrorUnknown, 0);
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaErrorUnknown);
  CHECK(std::strcmp(cudaGetErrorName(cudaErrorUnknown), "cudaErrorUnknown") == 0);
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaErrorUnknown);
  const std::size_t calls = fastcca_standin_calls("cudaStreamCreateWithFlags");
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CHECK(fastcca_standin_calls("cudaStreamCreateWithFlags") == calls + 1);
  OK(cudaStreamDestroy(stream));
  fastcca_standin_fail_nothing();
  OK(cudaGetLastError() == cudaErrorUnknown ? 0 : 1);
}
