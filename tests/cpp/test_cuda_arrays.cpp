// Arrays of the device are read where they lie, and give what the same arrays of the host give.
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <limits>

#include "cuda_arrays.hpp"

namespace fastcca::testing {

const CudaBackend& cuda_backend() { return dynamic_cast<const CudaBackend&>(backend()); }

DeviceSamples to_device(const Samples& samples) {
  void* memory = nullptr;
  REQUIRE(cudaMalloc(&memory, samples.bytes.size()) == cudaSuccess);
  DeviceSamples out{{memory, [](void* p) { cudaFree(p); }}, samples.view};
  REQUIRE(cudaMemcpy(memory, samples.bytes.data(), samples.bytes.size(), cudaMemcpyHostToDevice) ==
          cudaSuccess);
  out.view.data =
      static_cast<const unsigned char*>(memory) + (samples.view.data - samples.bytes.data());
  out.view.memory = Memory::kDevice;
  return out;
}

TEST_SUITE_BEGIN("cuda arrays");

TEST_CASE("the same bits from the device's memory as from the host's") {
  for (const DType dtype : kDTypes) {
    for (const Layout layout : kLayouts) {
      for (const bool swapped : {false, true}) {
        CAPTURE(static_cast<int>(dtype));
        CAPTURE(layout);
        CAPTURE(swapped);
        const Samples host = random_samples(300, 13, dtype, 1, layout, swapped);
        const DeviceSamples device = to_device(host);
        CHECK(same_bits(snapshot(backend().accumulate({&host.view, 1}, {}, 0)),
                        snapshot(backend().accumulate({&device.view, 1}, {}, 0))));
        CHECK(same_bits(snapshot(backend().accumulate_single({&host.view, 1}, {}, 0)),
                        snapshot(backend().accumulate_single({&device.view, 1}, {}, 0))));
        const CentredRows wanted = backend().read_centred({&host.view, 1}, 20, 99);
        const CentredRows found = backend().read_centred({&device.view, 1}, 20, 99);
        CHECK(same_bits(wanted.mean, found.mean));
        CHECK(same_bits(to_host(wanted.samples).values, to_host(found.samples).values));
        CHECK(backend().largest_deviation(host.view) == backend().largest_deviation(device.view));
      }
    }
  }
}

TEST_CASE("more samples than are read at once, and blocks of both memories beside each other") {
  const Index rows = 2 * samples_per_check() + 77;
  const Samples x = random_samples(rows, 9, DType::kFloat32, 3, Layout::kColumnMajor);
  const Samples y = random_samples(rows, 4, DType::kFloat16, 4, Layout::kSliced);
  const Samples z = random_samples(rows, 5, DType::kFloat64, 5);
  const DeviceSamples there = to_device(y);
  const ArrayView all_here[] = {x.view, y.view, z.view};
  const ArrayView mixed[] = {x.view, there.view, z.view};
  CHECK(same_bits(snapshot(backend().accumulate(all_here, {}, 0)),
                  snapshot(backend().accumulate(mixed, {}, 0))));
  CHECK(same_bits(snapshot(backend().accumulate_single(all_here, {}, 0)),
                  snapshot(backend().accumulate_single(mixed, {}, 0))));
}

TEST_CASE("samples of a folded map on the device") {
  // (images, channels, lines, pixels): samples are pixels of lines of images.
  const Index images = 3;
  const Index channels = 4;
  const Index lines = 5;
  const Index pixels = 7;
  Samples map = random_samples(images * channels * lines * pixels, 1, DType::kFloat32, 8);
  ArrayView& view = map.view;
  view.rows = images * lines * pixels;
  view.cols = channels;
  view.row_stride = 4;
  view.run = pixels;
  view.run_stride = 4 * pixels;
  view.runs_per_outer = lines;
  view.col_stride = 4 * pixels * lines;
  view.outer_stride = view.col_stride * channels;
  const DeviceSamples device = to_device(map);
  CHECK(same_bits(snapshot(backend().accumulate({&view, 1}, {}, 0)),
                  snapshot(backend().accumulate({&device.view, 1}, {}, 0))));
}

TEST_CASE("values of the device's memory that are not finite are found") {
  Dense values = random_matrix(6000, 5, 2);
  values(5990, 3) = std::numeric_limits<double>::quiet_NaN();
  values(5990, 4) = std::numeric_limits<double>::infinity();
  const DeviceSamples device = to_device(samples_of(values));
  const NonFinite found = backend().find_non_finite(device.view);
  CHECK(found.count == 2);
  CHECK(found.row == 5990);
  CHECK(found.col == 3);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
