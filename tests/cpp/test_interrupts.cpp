// Every long call ends where it is interrupted, at whatever check that happens, and leaves the
// state as it was; the next call is right.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <thread>
#include <utility>

#include "core/qr_factor.hpp"
#include "cpu/threads.hpp"
#include "data.hpp"
#include "interrupts.hpp"

namespace fastcca::testing {

namespace {

// How many checks a call makes on the calling thread.
long checks_of(const std::function<void()>& call) {
  constexpr long kMany = 1L << 40U;
  InterruptAfter count(kMany);
  call();
  return kMany - count.left();
}

// Calls at which to interrupt: the first ones, the last one, and some between.
std::vector<long> points_of(long checks) {
  std::vector<long> out{0, 1, 2};
  for (long k = 3; k < checks; k += 1 + checks / 7) {
    out.push_back(k);
  }
  out.push_back(checks - 1);
  std::erase_if(out, [checks](long k) { return k >= checks; });
  return out;
}

void interrupt_at(long point, const std::function<void()>& call) {
  InterruptAfter interrupt(point);
  CHECK_THROWS_AS(call(), Interrupt);
}

// Calls something else at a check, as the handler of a signal may.
class CallAt final : public InterruptScope {
 public:
  CallAt(long point, std::function<void()> other) : left_(point), other_(std::move(other)) {}

  void check() override {
    if (left_-- == 0) {
      other_();
    }
  }

 private:
  long left_;
  std::function<void()> other_;
};

struct WithThreads {
  explicit WithThreads(int threads) { set_num_threads(threads); }
  ~WithThreads() { set_num_threads(0); }
};

}  // namespace

TEST_SUITE_BEGIN("interrupts");

TEST_CASE("an interrupted update of moments changes nothing") {
  // Large enough for several threads; 600 features are accumulated in another way than 100.
  for (const auto& [rows, width] : {std::pair<Index, Index>{5000, 100}, {1500, 600}}) {
    const Dense first = random_matrix(rows, width, 1);
    const Samples second = samples_of(random_matrix(rows, width, 2));
    const std::vector<std::string> names{"block0"};
    for (const int threads : {1, 2, 5}) {
      CAPTURE(width);
      CAPTURE(threads);
      const WithThreads limit(threads);
      const auto update = [&](Moments& m) { m.update(names, {&second.view, 1}); };
      Moments wanted = moments_of({first});
      Moments moments = wanted.clone();
      Moments empty(backend());
      const Snapshot before = snapshot(moments);
      const long checks = checks_of([&] { update(wanted); });
      CHECK(checks >= (threads == 1 ? 3 : 2));  // how many fall to the caller is chance
      // On several threads it is chance how many of them fall to the caller: the first one always.
      for (const long point : threads == 1 ? points_of(checks) : std::vector<long>{0, 1}) {
        CAPTURE(point);
        interrupt_at(point, [&] { update(moments); });
        CHECK(same_bits(snapshot(moments), before));
        interrupt_at(point, [&] { update(empty); });
        CHECK(empty.n_samples() == 0);
        CHECK(empty.block_count() == 0);
      }
      update(moments);
      CHECK(same_bits(snapshot(moments), snapshot(wanted)));
    }
  }
}

TEST_CASE("a call in the midst of another one leaves both right") {
  const WithThreads limit(1);
  // So many samples that a device gets them in several pieces.
  for (const Index width : {100, 600}) {
    CAPTURE(width);
    const Samples samples = samples_of(random_matrix(9000, width, 1));
    const Samples others = samples_of(random_matrix(9000, width, 2));
    const auto accumulated = [](const Samples& s) {
      Moments out(backend());
      const std::vector<std::string> names{"x"};
      out.update(names, {&s.view, 1});
      return snapshot(out);
    };
    const Snapshot wanted = accumulated(samples);
    const Snapshot wanted_of_others = accumulated(others);
    for (const long point : points_of(checks_of([&] { accumulated(samples); }))) {
      CAPTURE(point);
      Snapshot amid;
      Snapshot found;
      {
        const CallAt call(point, [&] { amid = accumulated(others); });
        found = accumulated(samples);
      }
      CHECK(same_bits(found, wanted));
      CHECK(same_bits(amid, wanted_of_others));
    }
  }
}

TEST_CASE("checks are rare: about one for each block of samples and tile of features") {
  const WithThreads limit(1);
  const Samples narrow = samples_of(random_matrix(samples_per_check() * 40, 30, 1));
  const long of_narrow = checks_of([&] { backend().accumulate({&narrow.view, 1}, {}, 0); });
  CHECK(of_narrow >= 40);
  CHECK(of_narrow <= 40 + 30 + 2);
}

TEST_CASE("an interrupted update of a factor changes nothing") {
  for (const int threads : {1, 3}) {
    CAPTURE(threads);
    const std::vector<std::string> names{"block0"};
    const Samples first = samples_of(random_matrix(3000, 20, 1));
    const Samples second = samples_of(random_matrix(9000, 20, 2));
    const auto update = [&](QrFactor& f, const Samples& s) {
      f.update(names, {&s.view, 1}, threads);
    };
    QrFactor factor(backend());
    update(factor, first);
    QrFactor wanted = factor.clone();
    const long checks = checks_of([&] { update(wanted, second); });
    const std::vector<double> before = to_host(factor.factor()).values;
    for (const long point : threads == 1 ? points_of(checks) : std::vector<long>{0, 1}) {
      CAPTURE(point);
      interrupt_at(point, [&] { update(factor, second); });
      CHECK(factor.n_samples() == 3000);
      CHECK(same_bits(to_host(factor.factor()).values, before));
    }
    update(factor, second);
    CHECK(same_bits(to_host(factor.factor()).values, to_host(wanted.factor()).values));
  }
}

TEST_CASE("the search for values that are not finite can be interrupted, the rejection too") {
  Dense values = random_matrix(3000, 20, 1);
  values(2999, 19) = std::numeric_limits<double>::infinity();
  const Samples samples = samples_of(values);
  const auto find = [&] { backend().find_non_finite(samples.view); };
  for (const long point : points_of(checks_of(find))) {
    interrupt_at(point, find);
  }
  Moments moments(backend());
  const std::vector<std::string> names{"x"};
  const auto update = [&] { moments.update(names, {&samples.view, 1}); };
  const long checks = checks_of([&] { CHECK_THROWS_AS(update(), std::invalid_argument); });
  interrupt_at(checks - 1, update);
  CHECK(moments.n_samples() == 0);
}

TEST_CASE("between the calls of LAPACK a decomposition can be interrupted") {
  const Matrix a = to_backend(identity(5));
  const std::vector<std::function<void()>> calls{
      [&] { backend().multiply(a, Transpose::kNo, a, Transpose::kNo); },
      [&] { backend().cholesky(a); },
      [&] { backend().eigenvalues(backend().copy(a)); },
      [&] { backend().eigh(backend().copy(a)); },
      [&] { backend().singular_values(backend().copy(a)); },
      [&] { backend().svd(backend().copy(a)); },
      [&] {
        Matrix b = backend().copy(a);
        backend().solve_triangular(a, Transpose::kNo, Side::kLeft, b);
      },
      [&] {
        Matrix b = backend().copy(a);
        backend().fold_into(b, backend().copy(a));
      }};
  for (const auto& call : calls) {
    CHECK(checks_of(call) == 1);
    interrupt_at(0, call);
  }
}

TEST_CASE("many items can be interrupted between and inside") {
  const Samples samples = samples_of(random_matrix(2000, 20, 3));
  for (const int threads : {1, 4}) {
    CAPTURE(threads);
    const auto caller = std::this_thread::get_id();
    const auto all = [&] {
      backend().for_each(threads, 100, [&](std::size_t) {
        if (std::this_thread::get_id() != caller) {  // which is to get some items, however slow
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        backend().accumulate({&samples.view, 1}, {}, 1);
      });
    };
    for (const long point : {0, 1, 2}) {
      interrupt_at(point, all);
    }
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
