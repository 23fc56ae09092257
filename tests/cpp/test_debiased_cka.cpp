// Debiased CKA against the estimator written out over n x n kernels.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/debiased_cka.hpp"
#include "data.hpp"
#include "interrupts.hpp"

namespace fastcca::testing {

namespace {

using Kernel = std::vector<long double>;  // (n, n), without its diagonal

Kernel kernel_of(const Dense& x) {
  const auto n = static_cast<long double>(x.rows);
  std::vector<long double> mean(at(x.cols), 0.0L);
  for (Index j = 0; j < x.cols; ++j) {
    for (Index i = 0; i < x.rows; ++i) {
      mean[at(j)] += x(i, j) / n;
    }
  }
  Kernel out(at(x.rows * x.rows), 0.0L);
  for (Index a = 0; a < x.rows; ++a) {
    for (Index b = 0; b < x.rows; ++b) {
      for (Index j = 0; a != b && j < x.cols; ++j) {
        out[at(a * x.rows + b)] += (x(a, j) - mean[at(j)]) * (x(b, j) - mean[at(j)]);
      }
    }
  }
  return out;
}

// Equation 5 of Song et al., times n (n - 3).
long double hsic(const Kernel& k, const Kernel& l, Index samples) {
  const auto n = static_cast<long double>(samples);
  long double trace = 0.0L;
  long double k_sum = 0.0L;
  long double l_sum = 0.0L;
  long double both = 0.0L;
  for (Index a = 0; a < samples; ++a) {
    long double k_row = 0.0L;
    long double l_row = 0.0L;
    for (Index b = 0; b < samples; ++b) {
      trace += k[at(a * samples + b)] * l[at(a * samples + b)];
      k_row += k[at(a * samples + b)];
      l_row += l[at(a * samples + b)];
    }
    k_sum += k_row;
    l_sum += l_row;
    both += k_row * l_row;
  }
  return trace + k_sum * l_sum / ((n - 1.0L) * (n - 2.0L)) - 2.0L / (n - 2.0L) * both;
}

double debiased_of(const Dense& x, const Dense& y) {
  const Kernel k = kernel_of(x);
  const Kernel l = kernel_of(y);
  return static_cast<double>(hsic(k, l, x.rows) / std::sqrt(hsic(k, k, x.rows)) /
                             std::sqrt(hsic(l, l, x.rows)));
}

// y depends on x, so that there is something to find.
Dense dependent(const Dense& x, Index cols, unsigned seed) {
  Dense out = random_matrix(x.rows, cols, seed);
  for (Index j = 0; j < cols; ++j) {
    for (Index i = 0; i < x.rows; ++i) {
      out(i, j) += x(i, j % x.cols);
    }
  }
  return out;
}

double debiased(const Dense& x, const Dense& y, int threads = 0, DType dtype = DType::kFloat64) {
  DebiasedCka found(moments_of({x, y}, dtype), 0, 1);
  found.add(samples_of(x, dtype).view, samples_of(y, dtype, Layout::kColumnMajor).view, threads);
  return found.value();
}

Dense moved(Dense x, double offset) {
  for (double& v : x.values) {
    v += offset;
  }
  return x;
}

}  // namespace

TEST_SUITE_BEGIN("debiased cka");

TEST_CASE("debiased CKA is the estimator written out") {
  for (const auto& [n, p, q] :
       {std::array<Index, 3>{4, 1, 1}, {5, 2, 3}, {40, 5, 7}, {300, 3, 40}, {12, 60, 50}}) {
    CAPTURE(n);
    CAPTURE(p);
    const Dense x = random_matrix(n, p, 1);
    const Dense y = dependent(x, q, 2);
    CHECK(debiased(x, y) == doctest::Approx(debiased_of(x, y)).epsilon(1e-12));
    CHECK(debiased(y, x) == doctest::Approx(debiased_of(x, y)).epsilon(1e-12));
  }
}

TEST_CASE("offsets cost debiased CKA no more than their rounding") {
  const Dense x = moved(random_matrix(60, 4, 3), 1e6);
  const Dense y = moved(dependent(random_matrix(60, 4, 3), 6, 4), -1e6);
  CHECK(debiased(x, y) == doctest::Approx(debiased_of(x, y)).epsilon(1e-9));
}

TEST_CASE("blocks of either order, in batches, in single precision") {
  Dense x = random_matrix(90, 6, 5);
  Dense y = dependent(x, 9, 6);
  for (Dense* block : {&x, &y}) {
    for (double& v : block->values) {
      v = static_cast<float>(v);
    }
  }
  const Moments moments = moments_of({y, x}, DType::kFloat32);
  DebiasedCka found(moments, 1, 0);
  for (const auto& [first, last] : {std::pair<Index, Index>{0, 1}, {1, 60}, {60, 60}, {60, 90}}) {
    found.add(samples_of(rows_of(x, first, last), DType::kFloat32).view,
              samples_of(rows_of(y, first, last), DType::kFloat32).view, 0);
  }
  CHECK(found.value() == doctest::Approx(debiased_of(x, y)).epsilon(1e-12));
  DebiasedCka itself(moments, 1, 1);
  const Samples samples = samples_of(x);
  itself.add(samples.view, samples.view, 0);
  CHECK(itself.value() == doctest::Approx(1.0).epsilon(1e-14));
}

TEST_CASE("dead units are left out of debiased CKA") {
  const Dense x = random_matrix(50, 3, 7);
  const Dense y = dependent(x, 2, 8);
  Dense with_dead(50, 5);
  for (Index i = 0; i < 50; ++i) {
    for (Index j = 0; j < 3; ++j) {
      with_dead(i, j) = x(i, j);
    }
    with_dead(i, 3) = 1e6;
    with_dead(i, 4) = 1e20 + (i % 2 == 0 ? 16384.0 : 0.0);  // one rounding of it
  }
  CHECK(debiased(with_dead, y) == doctest::Approx(debiased(x, y)).epsilon(1e-14));
  CHECK(debiased(Dense(50, 2), y) == 0.0);
}

TEST_CASE("the scale of a block changes no bit of debiased CKA") {
  const Dense x = random_matrix(30, 4, 9);
  const Dense y = dependent(x, 3, 10);
  const double wanted = debiased(x, y);
  CHECK(debiased(scaled(x, 0x1p500), scaled(y, 0x1p-490)) == wanted);
  CHECK(debiased(scaled(x, 0x1p-490), y) == wanted);
}

TEST_CASE("debiased CKA has the same bits on any number of threads") {
  const Dense x = random_matrix(9000, 70, 11);
  const Dense y = dependent(x, 30, 12);
  const double wanted = debiased(x, y, 1);
  for (const int threads : {2, 3, 8}) {
    CHECK(debiased(x, y, threads) == wanted);
  }
}

TEST_CASE("an interrupted pass of debiased CKA can be made again") {
  const Samples x = samples_of(random_matrix(9000, 20, 13));
  const Samples y = samples_of(dependent(x.values, 30, 14));
  DebiasedCka found(moments_of({x.values, y.values}), 0, 1);
  for (const long point : {0, 1, 2}) {
    InterruptAfter interrupt(point);
    CHECK_THROWS_AS(found.add(x.view, y.view, 1), Interrupt);
  }
  found.add(x.view, y.view, 1);
  CHECK(found.value() == debiased(x.values, y.values));
}

TEST_CASE("what debiased CKA refuses") {
  const Dense x = random_matrix(3, 2, 15);
  CHECK(contains(refusal([&] { DebiasedCka(moments_of({x, x}), 0, 1); }),
                 "at least 4 samples, but there are 3"));
  const Samples samples = samples_of(random_matrix(8, 2, 16));
  DebiasedCka found(moments_of({samples.values, samples.values}), 0, 1);
  CHECK(contains(refusal([&] { return found.value(); }), "8 samples was given 0"));
  const Samples other = samples_of(random_matrix(8, 3, 17));
  const Samples fewer = samples_of(random_matrix(7, 2, 18));
  for (const Samples* wrong : {&other, &fewer}) {
    CHECK(contains(refusal([&] { found.add(samples.view, wrong->view, 0); }), "needs the samples"));
  }
  found.add(samples.view, samples.view, 0);
  CHECK(found.value() == doctest::Approx(1.0));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
