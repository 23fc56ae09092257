// Samples that lie in several levels of strides, as those of a convolution's maps do.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/qr_factor.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

// outer x middle runs of `run` samples: images, lines, pixels.
struct Shape {
  Index outer;
  Index middle;
  Index run;
  Index rows() const { return outer * middle * run; }
};

// How the levels lie in memory: a factor that leaves gaps, and the sign of each stride.
struct Strides {
  bool channels_first;
  Index gap;
  bool row_reversed;
  bool run_reversed;
  bool outer_reversed;
};

constexpr Strides kStrides[] = {{true, 1, false, false, false}, {false, 1, false, false, false},
                                {true, 2, false, false, false}, {true, 1, true, false, false},
                                {false, 1, false, true, false}, {true, 3, false, true, true},
                                {false, 2, true, true, true}};

template <class T>
struct Folded {
  std::vector<unsigned char> bytes;
  ArrayView view;
};

template <class T>
constexpr DType kTypeOf = sizeof(T) == 4 ? DType::kFloat32 : DType::kFloat64;

// The given samples in that order of memory; bytes between them are those of NaN.
template <class T>
Folded<T> folded(const Dense& values, const Shape& shape, const Strides& strides) {
  const auto size = static_cast<Index>(sizeof(T));
  const Index cols = values.cols;
  const Index pixel = strides.gap * size * (strides.channels_first ? 1 : cols);
  const Index line = strides.gap * pixel * shape.run;
  const Index plane = line * shape.middle;
  Folded<T> out;
  ArrayView& view = out.view;
  view.dtype = kTypeOf<T>;
  view.rows = shape.rows();
  view.cols = cols;
  view.col_stride = strides.channels_first ? plane : size;
  view.row_stride = strides.row_reversed ? -pixel : pixel;
  view.run = shape.run;
  view.run_stride = strides.run_reversed ? -line : line;
  view.runs_per_outer = shape.middle;
  const Index image = strides.channels_first ? plane * cols : plane;
  view.outer_stride = strides.outer_reversed ? -image : image;
  Index first = 0;
  first += strides.row_reversed ? pixel * (shape.run - 1) : 0;
  first += strides.run_reversed ? line * (shape.middle - 1) : 0;
  first += strides.outer_reversed ? image * (shape.outer - 1) : 0;
  out.bytes.assign(at(image * shape.outer), 0xff);
  view.data = out.bytes.data() + first;
  Index sample = 0;
  for (Index o = 0; o < shape.outer; ++o) {
    for (Index m = 0; m < shape.middle; ++m) {
      for (Index r = 0; r < shape.run; ++r, ++sample) {
        for (Index j = 0; j < cols; ++j) {
          const auto value = static_cast<T>(values(sample, j));
          const Index where = first + o * view.outer_stride + m * view.run_stride +
                              r * view.row_stride + j * view.col_stride;
          std::memcpy(&out.bytes[at(where)], &value, sizeof(T));
        }
      }
    }
  }
  return out;
}

Snapshot accumulated(const std::vector<ArrayView>& views, int threads = 1) {
  return snapshot(backend().accumulate(views, {}, threads));
}

// The same values as one run, row after row.
Samples contiguous(const Dense& values, DType dtype) { return samples_of(values, dtype); }

template <class T>
void check_same_as_contiguous(const Shape& shape, Index cols) {
  const Samples flat = contiguous(random_matrix(shape.rows(), cols, 501), kTypeOf<T>);
  const Snapshot wanted = accumulated({flat.view});
  for (const Strides& strides : kStrides) {
    CAPTURE(strides.channels_first);
    CAPTURE(strides.gap);
    CAPTURE(strides.row_reversed);
    CAPTURE(strides.run_reversed);
    CAPTURE(strides.outer_reversed);
    const Folded<T> there = folded<T>(flat.values, shape, strides);
    CHECK(same_bits(accumulated({there.view}), wanted));
    CHECK(same_bits(accumulated({there.view}, 3), wanted));
  }
}

}  // namespace

TEST_SUITE_BEGIN("folded views");

TEST_CASE("the same bits as the contiguous copy, for runs of any length") {
  const Shape shapes[] = {{40, 20, 1}, {9, 11, 7},  {2, 2, 256},
                          {2, 3, 300}, {1, 1, 700}, {700, 1, 1}};
  for (const Shape& shape : shapes) {
    for (const Index cols : {1, 13, 40}) {
      CAPTURE(shape.run);
      CAPTURE(shape.middle);
      CAPTURE(cols);
      check_same_as_contiguous<float>(shape, cols);
      check_same_as_contiguous<double>(shape, cols);
    }
  }
}

TEST_CASE("the same bits where samples are divided into ranges") {
  check_same_as_contiguous<float>({12, 130, 7}, 64);
  check_same_as_contiguous<float>({3, 10, 300}, 64);
}

TEST_CASE("the same bits in wide mode") {
  for (const Shape& shape :
       {Shape{20, 15, 1}, Shape{6, 9, 7}, Shape{1, 2, 256}, Shape{1, 2, 300}}) {
    CAPTURE(shape.run);
    check_same_as_contiguous<float>(shape, 530);
  }
}

TEST_CASE("folded and flat blocks belong together") {
  const Shape shape{5, 12, 9};
  const Samples x = contiguous(random_matrix(shape.rows(), 6, 511), DType::kFloat64);
  const Samples y = contiguous(random_matrix(shape.rows(), 11, 512), DType::kFloat64);
  const Samples z = random_samples(shape.rows(), 4, DType::kInt8, 513, Layout::kSliced, true);
  const Snapshot wanted = accumulated({x.view, y.view, z.view});
  const Folded<double> folded_y = folded<double>(y.values, shape, kStrides[5]);
  const Shape other{27, 4, 5};
  const Folded<double> folded_x = folded<double>(x.values, other, kStrides[6]);
  CHECK(same_bits(accumulated({x.view, folded_y.view, z.view}), wanted));
  CHECK(same_bits(accumulated({folded_x.view, folded_y.view, z.view}), wanted));
}

TEST_CASE("a flat view as one run, and a stride of 0 between images") {
  const Samples x = contiguous(random_matrix(60, 5, 521), DType::kFloat64);
  ArrayView one_run = x.view;
  one_run.run = 60;
  one_run.run_stride = 12345;  // of no run but the first, so of no effect
  one_run.outer_stride = 54321;
  CHECK(same_bits(accumulated({one_run}), accumulated({x.view})));

  ArrayView repeated = x.view;  // the same 20 samples three times
  repeated.run = 20;
  repeated.outer_stride = 0;
  Dense values(60, 5);
  for (Index i = 0; i < 60; ++i) {
    for (Index j = 0; j < 5; ++j) {
      values(i, j) = x.values(i % 20, j);
    }
  }
  CHECK(
      same_bits(accumulated({repeated}), accumulated({contiguous(values, DType::kFloat64).view})));
}

TEST_CASE("the triangular factor reads folded samples as it reads flat ones") {
  const Shape shape{7, 5, 37};
  const Samples flat = contiguous(random_matrix(shape.rows(), 13, 531), DType::kFloat32);
  const std::vector<std::string> names{"x"};
  const auto factor_of = [&](const ArrayView& view) {
    QrFactor out(backend());
    out.update(names, {&view, 1}, 1);
    return to_host(out.factor()).values;
  };
  for (const Strides& strides : kStrides) {
    const Folded<float> there = folded<float>(flat.values, shape, strides);
    CHECK(same_bits(factor_of(there.view), factor_of(flat.view)));
  }
}

TEST_CASE("values that are not finite are found where they are") {
  const Shape shape{4, 6, 30};
  Dense values = random_matrix(shape.rows(), 9, 541);
  values(333, 7) = std::numeric_limits<double>::infinity();
  values(333, 8) = std::numeric_limits<double>::quiet_NaN();
  values(700, 0) = -std::numeric_limits<double>::infinity();
  for (const Strides& strides : kStrides) {
    const Folded<double> there = folded<double>(values, shape, strides);
    const NonFinite found = backend().find_non_finite(there.view);
    CHECK(found.count == 3);
    CHECK(found.row == 333);
    CHECK(found.col == 7);
    CHECK(found.value > 0.0);
  }
}

TEST_CASE("computed values count as rounded where their source was") {
  Samples x = contiguous(random_matrix(50, 3, 551), DType::kFloat64);
  x.view.rounded_to = Precision::kFloat32;
  Moments moments(backend());
  const std::vector<std::string> names{"x"};
  moments.update(names, {&x.view, 1});
  CHECK(moments.block(0).precision == Precision::kFloat32);
  QrFactor factor(backend());
  factor.update(names, {&x.view, 1}, 1);
  CHECK(factor.block(0).precision == Precision::kFloat32);
  x.view.rounded_to = Precision::kFloat64;
  Moments fine(backend());
  fine.update(names, {&x.view, 1});
  CHECK(fine.block(0).precision == Precision::kFloat64);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
