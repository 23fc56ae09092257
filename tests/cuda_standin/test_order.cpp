// Operations run when a synchronisation covers them, in the order that streams and events promise;
// what a program forgot to wait for shows.
#include <doctest/doctest.h>

#include <cmath>
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

void copy_out(const Session& session, const DeviceArray<double>& from, const PinnedArray& to) {
  OK(cudaMemcpyAsync(to.get(), from.get(), to.bytes(), cudaMemcpyDeviceToHost, session.stream));
}

// y += x on one stream, x filled on another: `waits` says whether an event puts them in order.
double sum_over_two_streams(bool waits) {
  const Session session;
  const PinnedArray host(1);
  const DeviceArray<double> x(std::vector<double>{1.0});
  const DeviceArray<double> y(std::vector<double>{10.0});
  host[0] = 5.0;
  OK(cudaMemcpyAsync(x.get(), host.get(), 8, cudaMemcpyHostToDevice, session.other));
  OK(cudaEventRecord(session.event, session.other));
  if (waits) OK(cudaStreamWaitEvent(session.stream, session.event, 0));
  OK(cublasDaxpy(session.blas, 1, &kOne, x.get(), 1, y.get(), 1));
  session.finish();
  return y.values()[0];
}

// The staging buffer of a copy that has not run is written again.
double staging_written_too_early(bool waits) {
  const Session session;
  const PinnedArray host(1);
  const DeviceArray<double> x(1);
  host[0] = 1.0;
  OK(cudaMemcpyAsync(x.get(), host.get(), 8, cudaMemcpyHostToDevice, session.stream));
  if (waits) session.finish();
  host[0] = 2.0;
  session.finish();
  return x.values()[0];
}

STANDIN_CASE(ordered_by_an_event) { CASE_REQUIRE(sum_over_two_streams(true) == 15.0); }
STANDIN_CASE(not_ordered) { CASE_REQUIRE(sum_over_two_streams(false) == 15.0); }
STANDIN_CASE(written_while_read) {  // the second copy overwrites what the axpy still reads
  const Session session;
  const PinnedArray host(2);
  const DeviceArray<double> x(std::vector<double>{1.0});
  const DeviceArray<double> y(std::vector<double>{10.0});
  OK(cublasDaxpy(session.blas, 1, &kOne, x.get(), 1, y.get(), 1));
  host[0] = 5.0;
  OK(cudaMemcpyAsync(x.get(), host.get(), 8, cudaMemcpyHostToDevice, session.other));
  session.finish();
  CASE_REQUIRE(y.values()[0] == 11.0);
}
STANDIN_CASE(blocking_copy_without_wait) {
  const Session session;
  const DeviceArray<double> x(std::vector<double>{1.0});
  OK(cudaMemsetAsync(x.get(), 0, 8, session.stream));
  CASE_REQUIRE(x.values()[0] == 0.0);
}
STANDIN_CASE(columns_side_by_side) {  // of one matrix, by two streams at once: no race
  const Session session;
  const DeviceArray<double> a(std::vector<double>(12, 1.0));
  OK(cudaMemset2DAsync(a.get(), 32, 0, 16, 3, session.stream));
  OK(cudaMemset2DAsync(a.get() + 2, 32, 0, 16, 3, session.other));
  OK(cudaDeviceSynchronize());
  CASE_REQUIRE(a.values()[11] == 0.0);
}
STANDIN_CASE(columns_that_overlap) {
  const Session session;
  const DeviceArray<double> a(std::vector<double>(12, 1.0));
  OK(cudaMemset2DAsync(a.get(), 32, 0, 24, 3, session.stream));
  OK(cudaMemset2DAsync(a.get() + 2, 32, 0, 16, 3, session.other));
}
STANDIN_CASE(eager) {
  const Session session;
  const PinnedArray host(1);
  const DeviceArray<double> x(std::vector<double>{3.0});
  copy_out(session, x, host);
  CASE_REQUIRE(host[0] == 3.0);
}

const std::vector<std::string> kNoRaces = {"FASTCCA_STANDIN_RACES=0"};

}  // namespace

TEST_CASE("a result is there after the synchronisation, not before") {
  const Session session;
  const PinnedArray host(1);
  const DeviceArray<double> x(std::vector<double>{3.0});
  copy_out(session, x, host);
  CHECK(std::isnan(host[0]));
  session.finish();
  CHECK(host[0] == 3.0);
}

TEST_CASE("each synchronisation covers what it promises") {
  const Session session;
  const PinnedArray host(1);
  const DeviceArray<double> x(std::vector<double>{3.0});
  copy_out(session, x, host);
  SUBCASE("device") { OK(cudaDeviceSynchronize()); }
  SUBCASE("event") {
    OK(cudaEventRecord(session.event, session.stream));
    OK(cudaEventSynchronize(session.event));
  }
  SUBCASE("stream query") { CHECK(cudaStreamQuery(session.stream) == cudaSuccess); }
  SUBCASE("cudaFree") {
    void* block = nullptr;
    OK(cudaMalloc(&block, 8));
    OK(cudaFree(block));
  }
  CHECK(host[0] == 3.0);
}

TEST_CASE("an event does not cover what was queued after it, nor another stream") {
  const Session session;
  const PinnedArray host(1);
  const DeviceArray<double> x(std::vector<double>{3.0});
  OK(cudaEventRecord(session.event, session.stream));
  copy_out(session, x, host);
  OK(cudaEventSynchronize(session.event));
  CHECK(std::isnan(host[0]));
  OK(cudaStreamSynchronize(session.other));
  CHECK(std::isnan(host[0]));
  session.finish();
  CHECK(host[0] == 3.0);
}

TEST_CASE("a query is not ready while more than one operation is left") {
  const Session session;
  const DeviceArray<double> x(1);
  for (int i = 0; i < 3; ++i) OK(cudaMemsetAsync(x.get(), 0, 8, session.stream));
  OK(cudaEventRecord(session.event, session.stream));
  CHECK(cudaEventQuery(session.event) == cudaErrorNotReady);
  CHECK(cudaStreamQuery(session.stream) == cudaErrorNotReady);
  CHECK(cudaEventQuery(session.event) == cudaSuccess);
}

TEST_CASE("pageable memory is read before the call returns, and written") {
  const Session session;
  std::vector<double> host{7.0};
  const DeviceArray<double> x(1);
  OK(cudaMemcpyAsync(x.get(), host.data(), 8, cudaMemcpyHostToDevice, session.stream));
  host[0] = 8.0;
  CHECK(fastcca_standin_count("queued") == 1);
  OK(cudaMemcpyAsync(host.data(), x.get(), 8, cudaMemcpyDeviceToHost, session.stream));
  CHECK(host[0] == 7.0);
}

TEST_CASE("pinned memory is read when the copy runs: a removed synchronisation gives wrong data") {
  CHECK(staging_written_too_early(true) == 1.0);
  CHECK(staging_written_too_early(false) == 2.0);
}

TEST_CASE("an event between streams keeps their order in every schedule") {
  CHECK(sum_over_two_streams(true) == 15.0);
  for (const char* schedule : {"lazy", "ahead", "random", "eager"}) {
    const auto outcome =
        run_case("ordered_by_an_event", {std::string("FASTCCA_STANDIN_SCHEDULE=") + schedule});
    CAPTURE(outcome.output);
    CHECK(outcome.status == 0);
    CHECK(outcome.signal == 0);
  }
}

TEST_CASE("a synchronisation that is ignored shows as one that was removed") {
  const std::string one = "FASTCCA_STANDIN_FAIL=";
  check_death("ordered_by_an_event", SIGABRT, {"race: cublasDaxpy_v2 (x) reads"},
              {one + "cudaStreamWaitEvent:0:1:-1"});
  check_death("ordered_by_an_event", SIGABRT, {"race: cublasDaxpy_v2 (x) reads"},
              {one + "cudaEventRecord:0:1:-1"});
  check_death("ordered_by_an_event", SIGABRT, {"race: cudaMemcpy (src) reads"},
              {one + "cudaStreamSynchronize:0:1:-1"});
}

TEST_CASE("without it, the race is named, or a schedule gives the wrong sum") {
  check_death("not_ordered", SIGABRT,
              {"race: cublasDaxpy_v2 (x) reads block", "while cudaMemcpyAsync (dst)", "writes it"});
  CHECK(run_case("not_ordered", kNoRaces).status == 1);
  CHECK(run_case("not_ordered", {kNoRaces[0], "FASTCCA_STANDIN_SCHEDULE=ahead"}).status == 0);
}

TEST_CASE("a buffer overwritten while another stream reads it") {
  check_death("written_while_read", SIGABRT, {"race: cudaMemcpyAsync (dst) writes block"});
  CHECK(run_case("written_while_read", kNoRaces).status == 0);  // lazily, the axpy comes first
  CHECK(run_case("written_while_read", {kNoRaces[0], "FASTCCA_STANDIN_SCHEDULE=ahead"}).status ==
        1);
}

TEST_CASE("a blocking copy does not wait for a stream that does not block") {
  check_death("blocking_copy_without_wait", SIGABRT, {"race: cudaMemcpy (src) reads"});
  CHECK(run_case("blocking_copy_without_wait", kNoRaces).status == 1);
}

TEST_CASE("races are found by the bytes of rows, not by the range that they span") {
  CHECK(run_case("columns_side_by_side").signal == 0);
  check_death("columns_that_overlap", SIGABRT, {"race: cudaMemset2DAsync"});
}

TEST_CASE("FASTCCA_STANDIN_EAGER runs at once") {
  CHECK(run_case("eager", {"FASTCCA_STANDIN_EAGER=1"}).status == 0);
  CHECK(run_case("eager").status == 1);
}

TEST_CASE("the legacy default stream and blocking streams wait for each other") {
  cudaStream_t blocking = nullptr;
  OK(cudaStreamCreate(&blocking));
  const PinnedArray host(1);
  const DeviceArray<double> x(std::vector<double>{3.0});
  host[0] = 4.0;
  OK(cudaMemcpyAsync(x.get(), host.get(), 8, cudaMemcpyHostToDevice, blocking));
  CHECK(x.values()[0] == 4.0);  // by a blocking copy
  host[0] = 5.0;
  OK(cudaMemcpyAsync(x.get(), host.get(), 8, cudaMemcpyHostToDevice, cudaStreamLegacy));
  host[0] = 0.0;
  OK(cudaMemcpyAsync(host.get(), x.get(), 8, cudaMemcpyDeviceToHost, blocking));
  OK(cudaStreamSynchronize(blocking));
  CHECK(host[0] == 0.0);  // the first copy read the zero
  OK(cudaStreamDestroy(blocking));
}
