// Transforms of maps on the device against the sums that define them.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

#include "complex_data.hpp"
#include "cuda_arrays.hpp"

namespace fastcca::testing {

namespace {

struct MapShape {
  Index samples;
  Index height;
  Index width;
  Index channels;

  Index rows() const { return samples * height * width; }
  Index half_width() const { return width / 2 + 1; }
};

std::vector<Complex> numbers_of(const cuda::Spectra& spectra) {
  const std::vector<double> raw = to_host(spectra.memory).values;
  if (!spectra.single) {
    std::vector<Complex> out(raw.size() / 2);
    std::memcpy(static_cast<void*>(out.data()), raw.data(), raw.size() * sizeof(double));
    return out;
  }
  std::vector<std::complex<float>> single(raw.size());
  std::memcpy(static_cast<void*>(single.data()), raw.data(), raw.size() * sizeof(double));
  return {single.begin(), single.end()};
}

// The number at (row, col) of one map, and the norm that its rounding is in proportion to.
struct Expected {
  Complex value;
  double size = 0.0;
};

Expected expected_at(const Dense& values, const MapShape& shape, Index sample, Index channel,
                     Index row, Index col) {
  std::complex<long double> sum = 0.0L;
  long double squares = 0.0L;
  for (Index i = 0; i < shape.height; ++i) {
    for (Index j = 0; j < shape.width; ++j) {
      const long double value = values((sample * shape.height + i) * shape.width + j, channel);
      const long double turns = static_cast<long double>(row * i) / shape.height +
                                static_cast<long double>(col * j) / shape.width;
      sum += value * std::polar(1.0L, -2.0L * std::numbers::pi_v<long double> * turns);
      squares += value * value;
    }
  }
  const auto pixels = static_cast<long double>(shape.height * shape.width);
  return {Complex(sum), static_cast<double>(std::sqrt(squares * pixels))};
}

void check_spectra(const ArrayView& view, const Dense& values, const MapShape& shape) {
  const cuda::Spectra found = cuda_backend().spectra(view, shape.height, shape.width);
  const std::vector<Complex> numbers = numbers_of(found);
  const double unit = found.single ? 0x1p-24 : 0x1p-53;
  REQUIRE(numbers.size() == at(shape.height * shape.half_width() * shape.channels * shape.samples));
  double worst = 0.0;
  for (Index row = 0; row < shape.height; ++row) {
    for (Index col = 0; col < shape.half_width(); ++col) {
      for (Index c = 0; c < shape.channels; ++c) {
        for (Index n = 0; n < shape.samples; ++n) {
          const Expected expected = expected_at(values, shape, n, c, row, col);
          const Index place =
              ((row * shape.half_width() + col) * shape.channels + c) * shape.samples + n;
          const double error = std::abs(numbers[at(place)] - expected.value);
          worst = std::isfinite(error) ? std::max(worst, error / (unit * expected.size)) : error;
          REQUIRE(std::isfinite(error));
        }
      }
    }
  }
  CHECK(worst < 16.0);
  REQUIRE(found.energies.size() == at(shape.channels));
  for (Index c = 0; c < shape.channels; ++c) {
    long double energy = 0.0L;
    for (Index k = 0; k < shape.rows(); ++k) {
      energy += static_cast<long double>(values(k, c)) * values(k, c);
    }
    CHECK(found.energies[at(c)] == doctest::Approx(static_cast<double>(energy)).epsilon(1e-13));
  }
}

bool is_single(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 || dtype == DType::kFloat32;
}

}  // namespace

TEST_SUITE_BEGIN("cuda spectra");

TEST_CASE("every frequency of grids of any shape, axes of one pixel among them") {
  const MapShape shapes[] = {{5, 1, 1, 3}, {4, 6, 1, 2}, {4, 5, 1, 2}, {3, 1, 7, 2},
                             {3, 1, 8, 2}, {2, 4, 6, 3}, {2, 3, 5, 2}, {1, 2, 2, 1}};
  for (const MapShape& shape : shapes) {
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      CAPTURE(shape.height);
      CAPTURE(shape.width);
      CAPTURE(static_cast<int>(dtype));
      const Samples host = random_samples(shape.rows(), shape.channels, dtype, 7);
      check_spectra(host.view, host.values, shape);
      check_spectra(to_device(host).view, host.values, shape);
    }
  }
}

TEST_CASE("maps of every dtype and layout, transformed in their own precision") {
  const MapShape shape{6, 3, 4, 3};
  for (const DType dtype : kDTypes) {
    for (const Layout layout : kLayouts) {
      CAPTURE(static_cast<int>(dtype));
      CAPTURE(layout);
      const bool swapped = layout == Layout::kSliced;
      const Samples host = random_samples(shape.rows(), shape.channels, dtype, 3, layout, swapped);
      const DeviceSamples device = to_device(host);
      check_spectra(host.view, host.values, shape);
      check_spectra(device.view, host.values, shape);
      CHECK(cuda_backend().spectra(device.view, 3, 4).single == is_single(dtype));
    }
  }
}

TEST_CASE("maps whose channels are their outer axis") {
  const MapShape shape{3, 4, 5, 2};
  const Index pixels = shape.height * shape.width;
  Samples map = random_samples(shape.samples * shape.channels * pixels, 1, DType::kFloat32, 8);
  Dense values(shape.rows(), shape.channels);
  for (Index n = 0; n < shape.samples; ++n) {
    for (Index c = 0; c < shape.channels; ++c) {
      for (Index k = 0; k < pixels; ++k) {
        values(n * pixels + k, c) = map.values((n * shape.channels + c) * pixels + k, 0);
      }
    }
  }
  ArrayView& view = map.view;
  view.rows = shape.rows();
  view.cols = shape.channels;
  view.row_stride = 4;
  view.run = pixels;
  view.run_stride = 4 * pixels * shape.channels;
  view.runs_per_outer = shape.samples;
  view.col_stride = 4 * pixels;
  check_spectra(view, values, shape);
  check_spectra(to_device(map).view, values, shape);
}

TEST_CASE("more maps of the host than are read at once") {
  // Of one pixel each, which is its own spectrum.
  const MapShape shape{(Index{1} << 21) + 5, 1, 1, 3};
  Dense values(shape.samples, shape.channels);
  double next = 0.0;
  for (double& value : values.values) {
    value = next;
    next = next < 1000.0 ? next + 1.0 : 0.0;
  }
  const Samples host = samples_of(values, DType::kFloat32);
  const std::vector<Complex> found = numbers_of(cuda_backend().spectra(host.view, 1, 1));
  REQUIRE(found.size() == values.values.size());
  Index wrong = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    wrong += found[i] == Complex(values.values[i]) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("the other sign of values on the device and of the host") {
  const Samples host = random_samples(40, 3, DType::kFloat32, 2, Layout::kSliced);
  const DeviceSamples device = to_device(host);
  for (const ArrayView& view : {host.view, device.view}) {
    const Dense found = to_host(cuda_backend().negated(view));
    CHECK(same_bits(found.values, scaled(host.values, -1.0).values));
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
