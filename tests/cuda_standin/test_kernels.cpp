// Kernels run as their twins, on the memory that their bodies name and no other.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdint>
#include <vector>

#include "child.hpp"
#include "session.hpp"
#include "standin.hpp"

using standin::testing::check_death;
using standin::testing::DeviceArray;
using standin::testing::PinnedArray;
using standin::testing::Session;

extern "C" void __cudaRegisterFunction(void**, const char*, char*, const char*, int, uint3*, uint3*,
                                       dim3*, dim3*, int*);

namespace {

struct Scale {
  double* data;
  double factor;
  void operator()(std::int64_t i) const { data[i] *= factor; }
};

struct Sum {
  const double* from;
  double* to;
  void operator()(std::int64_t i) const { to[i] += from[i]; }
};

struct Shifted {
  double* data;
  std::int64_t by;
  void operator()(std::int64_t i) const { data[i + by] = 1.0; }
};

// The last eight bytes are a flag and padding, which holds what was there before.
struct Flagged {
  double* data;
  std::uint64_t flag_and_padding;
  void operator()(std::int64_t i) const { data[i] = 1.0; }
};

template <class Body>
void twin(void** args) {
  const Body body = *static_cast<const Body*>(args[0]);
  const std::int64_t count = *static_cast<const std::int64_t*>(args[1]);
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

template <class Body>
const char kStub = 0;  // its address stands for what nvcc would make of the kernel

template <class Body>
void launch(cudaStream_t stream, Body body, std::int64_t count, bool registered = true) {
  if (registered) fastcca_standin_register_kernel(&kStub<Body>, twin<Body>, sizeof(Body));
  void* args[] = {&body, &count};
  OK(cudaLaunchKernel(&kStub<Body>, dim3(1), dim3(32), args, 0, stream));
}

STANDIN_CASE(kernel_without_twin) {
  __cudaRegisterFunction(nullptr, &kStub<Scale>, nullptr, "scale_kernel", -1, nullptr, nullptr,
                         nullptr, nullptr, nullptr);
  const Session session;
  launch(session.stream, Scale{nullptr, 1.0}, 0, false);
}
STANDIN_CASE(kernel_just_past_the_end) {  // within the alignment of the block
  const Session session;
  const DeviceArray<double> a(3);
  launch(session.stream, Scale{a.get(), 2.0}, 4);
  session.finish();
}
STANDIN_CASE(kernel_far_past_the_end) {
  const Session session;
  const DeviceArray<double> a(3);
  launch(session.stream, Scale{a.get(), 2.0}, 1000);
  session.finish();
}
STANDIN_CASE(kernel_before_the_beginning) {
  const Session session;
  const DeviceArray<double> a(3);
  launch(session.stream, Shifted{a.get(), -1}, 1);
  session.finish();
}
STANDIN_CASE(kernel_of_host_memory) {
  const Session session;
  std::vector<double> a(300);
  launch(session.stream, Scale{a.data() + 1, 2.0}, 3);
  launch(session.stream, Scale{a.data() + 2, 2.0}, 3);  // one of them is not at a multiple of 256
}
STANDIN_CASE(kernel_of_freed_memory) {
  const Session session;
  double* a = nullptr;
  OK(cudaMalloc(reinterpret_cast<void**>(&a), 24));
  OK(cudaFree(a));
  launch(session.stream, Scale{a, 2.0}, 3);
  session.finish();
}
STANDIN_CASE(kernel_of_memory_of_another_device) {
  const Session session;
  OK(cudaSetDevice(1));
  const DeviceArray<double> a(3);
  OK(cudaSetDevice(0));
  launch(session.stream, Scale{a.get(), 2.0}, 3);
  session.finish();
}
STANDIN_CASE(kernel_writes_what_another_stream_reads) {
  const Session session;
  const PinnedArray host(3);
  const DeviceArray<double> a(std::vector<double>(3, 1.0));
  OK(cudaMemcpyAsync(host.get(), a.get() + 2, 8, cudaMemcpyDeviceToHost, session.other));
  launch(session.stream, Scale{a.get(), 2.0}, 3);
  session.finish();
}
STANDIN_CASE(kernel_reads_what_another_stream_reads) {
  const Session session;
  const PinnedArray host(3);
  const DeviceArray<double> a(std::vector<double>(3, 1.0));
  const DeviceArray<double> b(std::vector<double>(3, 1.0));
  OK(cudaMemcpyAsync(host.get(), a.get(), 24, cudaMemcpyDeviceToHost, session.other));
  launch(session.stream, Sum{a.get(), b.get()}, 3);
  session.finish();
  OK(cudaStreamSynchronize(session.other));
}
STANDIN_CASE(memory_is_closed_after_a_kernel) {
  const Session session;
  const DeviceArray<double> a(std::vector<double>(3, 1.0));
  launch(session.stream, Scale{a.get(), 2.0}, 3);
  session.finish();
  std::printf("%g\n", *static_cast<volatile double*>(a.get()));
}

}  // namespace

TEST_CASE("a kernel runs at a synchronisation, from copies of its arguments") {
  const Session session;
  const PinnedArray host(3);
  const DeviceArray<double> a(std::vector<double>{1.0, 2.0, 3.0});
  launch(session.stream, Scale{a.get(), 2.0}, 2);
  launch(session.stream, Scale{a.get(), 5.0}, 1);
  CHECK(fastcca_standin_count("queued") == 2);
  session.finish();
  CHECK(a.values() == std::vector<double>{10.0, 4.0, 3.0});
}

TEST_CASE("what padding holds is no mistake") {
  const Session session;
  void* freed = nullptr;
  OK(cudaMalloc(&freed, 8));
  OK(cudaFree(freed));
  const DeviceArray<double> a(std::vector<double>{0.0});
  launch(session.stream, Flagged{a.get(), reinterpret_cast<std::uint64_t>(freed)}, 1);
  session.finish();
  CHECK(a.values()[0] == 1.0);
}

TEST_CASE("a kernel may use pinned memory") {
  const Session session;
  const PinnedArray host(1);
  host[0] = 4.0;
  const DeviceArray<double> a(std::vector<double>{1.0});
  launch(session.stream, Sum{host.get(), a.get()}, 1);
  session.finish();
  CHECK(a.values()[0] == 5.0);
}

TEST_CASE("mistakes of kernels and of their launches") {
  check_death("kernel_without_twin", SIGABRT, {"kernel scale_kernel has no twin"});
  check_death("kernel_just_past_the_end", SIGABRT,
              {"bytes past its end were overwritten, by kernel"});
  check_death("kernel_far_past_the_end", SIGSEGV,
              {"kernel of no known name touched", "past the end"});
  check_death("kernel_before_the_beginning", SIGABRT,
              {"bytes before its beginning were overwritten, by"});
  check_death("kernel_of_host_memory", SIGABRT,
              {"the word at byte 0 of its body is the address of pageable"});
  check_death("kernel_of_freed_memory", SIGSEGV,
              {"kernel of no known name touched", "in the freed block"});
  check_death("kernel_of_memory_of_another_device", SIGSEGV,
              {"kernel of no known name touched", "device 1)"}, {"FASTCCA_STANDIN_DEVICES=2"});
  check_death("memory_is_closed_after_a_kernel", SIGSEGV, {"host code touched device memory"});
}

TEST_CASE("a kernel races by what it writes, not by what it could write") {
  check_death("kernel_writes_what_another_stream_reads", SIGABRT,
              {"race: kernel", "cudaMemcpyAsync (src)"});
  const auto outcome = standin::testing::run_case("kernel_reads_what_another_stream_reads");
  CAPTURE(outcome.output);
  CHECK(outcome.signal == 0);
}
