// What only the CUDA backend does: devices, statuses, memory that runs out, threads, second ways.
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "complex_data.hpp"
#include "core/errors.hpp"
#include "cuda/check.hpp"
#include "cuda/devices.hpp"
#include "cuda/errors.hpp"
#include "cuda_arrays.hpp"

namespace fastcca::testing {

namespace {

// Makes calls of the tests' stand-in fail; a real device does not fail on demand.
class Failing {
 public:
  Failing(const char* call, int skip, int count, int status, int info)
      : fail_(reinterpret_cast<Fail>(dlsym(RTLD_DEFAULT, "fastcca_standin_fail"))),
        fail_nothing_(
            reinterpret_cast<FailNothing>(dlsym(RTLD_DEFAULT, "fastcca_standin_fail_nothing"))) {
    if (possible()) {
      fail_(call, skip, count, status, info);
    }
  }
  ~Failing() {
    if (possible()) {
      fail_nothing_();
    }
  }
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;

  bool possible() const { return fail_ != nullptr && fail_nothing_ != nullptr; }

 private:
  using Fail = void (*)(const char*, int, int, int, int);
  using FailNothing = void (*)();
  Fail fail_;
  FailNothing fail_nothing_;
};

constexpr int kOutOfMemory = 2;  // cudaErrorMemoryAllocation

template <class Error>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE_BEGIN("cuda backend");

TEST_CASE("the device that is there") {
  CHECK(cuda::unusable().empty());
  CHECK(cuda::device_count() >= 1);
  CHECK(!cuda::device_name(0).empty());
  CHECK(cuda::device_memory(0) > 0);
  CHECK(cuda::runtime_version() >= 13000);
  CHECK(cuda::driver_version() >= 13000);
  CHECK(cuda_backend().device() == 0);
  CHECK(cuda_backend().stream() > 2);  // a stream of its own
}

TEST_CASE("a device that does not exist is named, with those that do") {
  for (const int device : {-1, 99}) {
    const auto text = message_of<DeviceError>([&] { CudaBackend{device}; });
    CHECK(contains(text, "device " + std::to_string(device)));
    CHECK(contains(text, "does not exist"));
  }
}

TEST_CASE("statuses become exceptions with the call's and the vendor's name") {
  const auto cuda = message_of<DeviceError>([] { cuda::check(cudaErrorInvalidValue, "cudaSome"); });
  CHECK(contains(cuda, "cudaSome failed"));
  CHECK(contains(cuda, "cudaErrorInvalidValue"));
  const auto blas =
      message_of<DeviceError>([] { cuda::check(CUBLAS_STATUS_INVALID_VALUE, "cublasSome"); });
  CHECK(contains(blas, "cublasSome failed"));
  CHECK(contains(blas, "7"));
  const auto solver =
      message_of<DeviceError>([] { cuda::check(CUSOLVER_STATUS_INTERNAL_ERROR, "cusolverSome"); });
  CHECK(contains(solver, "cusolverSome failed: CUSOLVER_STATUS_INTERNAL_ERROR"));
  const auto fourier = message_of<DeviceError>([] { cuda::check(CUFFT_EXEC_FAILED, "cufftSome"); });
  CHECK(contains(fourier, "cufftSome failed: CUFFT_EXEC_FAILED"));
  CHECK_THROWS_AS(cuda::check(cudaErrorMemoryAllocation, "c"), std::bad_alloc);
  CHECK_THROWS_AS(cuda::check(CUBLAS_STATUS_ALLOC_FAILED, "c"), std::bad_alloc);
  CHECK_THROWS_AS(cuda::check(CUSOLVER_STATUS_ALLOC_FAILED, "c"), std::bad_alloc);
  CHECK_THROWS_AS(cuda::check(CUFFT_ALLOC_FAILED, "c"), std::bad_alloc);
  CHECK_NOTHROW(cuda::check(cudaSuccess, "c"));
}

TEST_CASE("memory that runs out says how much was asked for, and the backend goes on") {
  const auto text = message_of<OutOfDeviceMemory>([] { backend().zeros(1 << 20, 1 << 20); });
  CHECK(contains(text, "8796093022208 bytes"));
  CHECK(contains(text, "free"));
  const Dense a = random_matrix(4, 4, 1);
  CHECK(same_bits(to_host(to_backend(a)).values, a.values));
  CHECK_THROWS_AS(backend().zeros(Index{1} << 40, Index{1} << 40), std::length_error);
}

TEST_CASE("wherever memory runs out in an update, the state is as it was") {
  const Samples x = samples_of(random_matrix(5000, 6, 1));
  const Samples y = samples_of(random_matrix(5000, 6, 2));
  const std::vector<std::string> names{"x"};
  for (const Products products : {Products::kDouble, Products::kSingle}) {
    Moments wanted(backend(), products);
    wanted.update(names, {&x.view, 1});
    Moments state = wanted.clone();
    const Snapshot before = snapshot(state);
    wanted.update(names, {&y.view, 1});
    int failed = 0;
    for (int skip = 0; skip < 1000; ++skip) {
      const Failing failing("allocation", skip, -1, kOutOfMemory, 0);
      if (!failing.possible()) {
        MESSAGE("not run: this device does not fail on demand");
        return;
      }
      try {
        state.update(names, {&y.view, 1});
        break;
      } catch (const std::bad_alloc&) {
        ++failed;
      }
      CHECK(same_bits(snapshot(state), before));
    }
    CHECK(failed > 3);
    CHECK(same_bits(snapshot(state), snapshot(wanted)));
  }
}

TEST_CASE("memory that the pool keeps is given back before memory runs out") {
  const Dense a = random_matrix(30, 30, 1);
  const Failing failing("allocation", 0, 1, kOutOfMemory, 0);
  Dense back;
  const auto text = message_of<OutOfDeviceMemory>([&] { back = to_host(to_backend(a)); });
  // One refusal is survived by a pool; a device without pools has nothing to give back.
  int has_pools = 0;
  REQUIRE(cudaDeviceGetAttribute(&has_pools, cudaDevAttrMemoryPoolsSupported, 0) == cudaSuccess);
  CHECK(text.empty() == (has_pools != 0 || !failing.possible()));
  if (text.empty()) {
    CHECK(same_bits(back.values, a.values));
  }
}

TEST_CASE("decompositions that do not converge go another way") {
  const std::vector<double> spectrum{1e-3, 0.5, 1.0, 1.5, 2.0, 4.0, 9.0};
  const ComplexDense c = hermitian_with(spectrum, 34);
  const Dense q = random_orthonormal(7, 7, 33);
  const Dense a = product(product(q, diagonal_matrix(spectrum)), transposed(q));
  {
    const Failing failing("cusolverDnXsyevd", 0, -1, 0, 3);
    const auto real = backend().eigh(to_backend(a));
    const auto complex = backend().complex().eigh(to_backend(c));
    for (std::size_t i = 0; i < spectrum.size(); ++i) {
      CHECK(real.values[i] == doctest::Approx(spectrum[i]).epsilon(1e-12));
      CHECK(complex.values[i] == doctest::Approx(spectrum[i]).epsilon(1e-12));
    }
    CHECK(orthogonality_ratio(to_host(real.vectors)) < kRatioLimit);
    CHECK(orthogonality_ratio(to_host(complex.vectors)) < kRatioLimit);
  }
  for (const auto& [rows, cols] : {std::pair<Index, Index>{12, 7}, {7, 12}}) {
    const Dense b = random_matrix(rows, cols, 31);
    const Svd wanted = backend().svd(to_backend(b));
    const Failing failing("cusolverDnXgesvd", 0, -1, 0, 2);
    for (const Svd& svd : {backend().svd(to_backend(b)), backend().full_svd(to_backend(b))}) {
      for (std::size_t i = 0; i < wanted.values.size(); ++i) {
        CHECK(svd.values[i] == doctest::Approx(wanted.values[i]).epsilon(1e-13));
      }
      const Dense u = to_host(svd.u);
      const Dense vt = to_host(svd.vt);
      CHECK(orthogonality_ratio(u) < kRatioLimit);
      CHECK(orthogonality_ratio(transposed(vt)) < kRatioLimit);
      Dense middle(u.cols, vt.rows);
      for (std::size_t i = 0; i < svd.values.size(); ++i) {
        middle(static_cast<Index>(i), static_cast<Index>(i)) = svd.values[i];
      }
      CHECK(norm(difference(product(product(u, middle), vt), b)) < 1e-13);
    }
    const auto values = backend().singular_values(to_backend(b));
    CHECK(values[0] == doctest::Approx(wanted.values[0]).epsilon(1e-13));
  }
}

TEST_CASE("a decomposition that fails both ways names the routine and its info") {
  const Failing first("cusolverDnXsyevd", 0, -1, 0, 3);
  const Failing second("cusolverDnXsyevBatched", 0, -1, 0, 4);
  if (!first.possible()) {
    MESSAGE("not run: this device does not fail on demand");
    return;
  }
  const auto text =
      message_of<DecompositionError>([] { backend().eigenvalues(to_backend(identity(3))); });
  CHECK(contains(text, "XsyevBatched"));
  CHECK(contains(text, "info = 4"));
}

TEST_CASE("matrices that are not finite are not decomposed") {
  Dense a = identity(3);
  a(1, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(backend().eigenvalues(to_backend(a)), DecompositionError);
  CHECK_THROWS_AS(backend().svd(to_backend(a)), DecompositionError);
}

TEST_CASE("threads take turns") {
  const Samples x = samples_of(random_matrix(3000, 12, 7));
  const Snapshot wanted = snapshot(backend().accumulate({&x.view, 1}, {}, 1));
  std::vector<Snapshot> found(4);
  std::vector<std::thread> threads;
  for (Snapshot& one : found) {
    threads.emplace_back([&] {
      for (int k = 0; k < 5; ++k) {
        one = snapshot(backend().accumulate({&x.view, 1}, {}, 1));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const Snapshot& one : found) {
    CHECK(same_bits(one, wanted));
  }
}

TEST_CASE("work of another stream is waited for, and a matrix outlives its backend") {
  Matrix left;
  {
    const CudaBackend other(0);
    cudaStream_t producer = nullptr;
    REQUIRE(cudaStreamCreateWithFlags(&producer, cudaStreamNonBlocking) == cudaSuccess);
    const Samples zeros = samples_of(Dense(200, 3));
    const Samples wanted = samples_of(random_matrix(200, 3, 5));
    const DeviceSamples array = to_device(zeros);
    void* pinned = nullptr;
    REQUIRE(cudaMallocHost(&pinned, wanted.bytes.size()) == cudaSuccess);
    std::copy(wanted.bytes.begin(), wanted.bytes.end(), static_cast<unsigned char*>(pinned));
    REQUIRE(cudaMemcpyAsync(array.memory.get(), pinned, wanted.bytes.size(), cudaMemcpyHostToDevice,
                            producer) == cudaSuccess);
    other.wait_for(reinterpret_cast<std::uintptr_t>(producer));
    CHECK(same_bits(snapshot(other.accumulate({&array.view, 1}, {}, 0)),
                    snapshot(backend().accumulate({&wanted.view, 1}, {}, 0))));
    std::vector<unsigned char> bytes(wanted.bytes.size());
    other.read_bytes(array.memory.get(), bytes.size(), bytes.data());
    CHECK(bytes == wanted.bytes);
    CHECK(cuda::device_of(array.memory.get()) == 0);
    CHECK(cuda::device_of(bytes.data()) == -1);
    cudaStreamDestroy(producer);
    cudaFreeHost(pinned);
    left = other.zeros(2, 2);
  }
  CHECK(same_bits(to_host(left).values, std::vector<double>(4, 0.0)));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
