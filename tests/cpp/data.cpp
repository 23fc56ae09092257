#include "data.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace fastcca::testing {

// ---- matrices ----------------------------------------------------------------------------------

Matrix to_backend(const Dense& a) { return backend().from_host(a.values.data(), a.rows, a.cols); }

Dense to_host(const Matrix& a) {
  Dense out(a.rows(), a.cols());
  backend().to_host(a, out.values.data());
  return out;
}

Dense identity(Index n) { return diagonal_matrix(std::vector<double>(at(n), 1.0)); }

Dense diagonal_matrix(const std::vector<double>& values) {
  const auto n = static_cast<Index>(values.size());
  Dense out(n, n);
  for (Index i = 0; i < n; ++i) {
    out(i, i) = values[at(i)];
  }
  return out;
}

Dense transposed(const Dense& a) {
  Dense out(a.cols, a.rows);
  for (Index j = 0; j < a.cols; ++j) {
    for (Index i = 0; i < a.rows; ++i) {
      out(j, i) = a(i, j);
    }
  }
  return out;
}

Dense rows_of(const Dense& a, Index first, Index last) {
  Dense out(last - first, a.cols);
  for (Index j = 0; j < a.cols; ++j) {
    for (Index i = first; i < last; ++i) {
      out(i - first, j) = a(i, j);
    }
  }
  return out;
}

Dense scaled(Dense a, double factor) {
  for (double& v : a.values) {
    v *= factor;
  }
  return a;
}

Dense product(const Dense& a, const Dense& b) {
  Dense out(a.rows, b.cols);
  for (Index j = 0; j < b.cols; ++j) {
    for (Index i = 0; i < a.rows; ++i) {
      long double sum = 0.0L;
      for (Index k = 0; k < a.cols; ++k) {
        sum += static_cast<long double>(a(i, k)) * b(k, j);
      }
      out(i, j) = static_cast<double>(sum);
    }
  }
  return out;
}

Dense difference(const Dense& a, const Dense& b) {
  Dense out(a.rows, a.cols);
  for (std::size_t k = 0; k < out.values.size(); ++k) {
    out.values[k] = a.values[k] - b.values[k];
  }
  return out;
}

double norm(const Dense& a) {
  double largest = 0.0;
  for (const double v : a.values) {
    if (std::isnan(v)) {
      return v;
    }
    largest = std::max(largest, std::abs(v));
  }
  return largest;
}

Dense random_matrix(Index rows, Index cols, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Dense out(rows, cols);
  for (double& v : out.values) {
    v = normal(random);
  }
  return out;
}

Dense random_orthonormal(Index rows, Index cols, unsigned seed) {
  Dense out = random_matrix(rows, cols, seed);
  for (Index j = 0; j < cols; ++j) {
    for (int pass = 0; pass < 2; ++pass) {  // Gram-Schmidt, and once more for its rounding
      for (Index k = 0; k < j; ++k) {
        long double dot = 0.0L;
        for (Index i = 0; i < rows; ++i) {
          dot += static_cast<long double>(out(i, j)) * out(i, k);
        }
        for (Index i = 0; i < rows; ++i) {
          out(i, j) = static_cast<double>(out(i, j) - dot * out(i, k));
        }
      }
      long double squares = 0.0L;
      for (Index i = 0; i < rows; ++i) {
        squares += static_cast<long double>(out(i, j)) * out(i, j);
      }
      for (Index i = 0; i < rows; ++i) {
        out(i, j) = static_cast<double>(out(i, j) / std::sqrt(squares));
      }
    }
  }
  return out;
}

std::vector<Family> families(Index n) {
  const std::size_t count = at(n);
  std::mt19937_64 random(17);
  std::uniform_real_distribution<double> uniform(0.1, 1.0);
  std::vector<double> spread(count);
  std::vector<double> graded(count);
  std::vector<double> deficient(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(count);
    spread[i] = uniform(random);
    graded[i] = std::pow(10.0, -14.0 * share);
    deficient[i] = i < (count + 1) / 2 ? 1.0 + share : 0.0;
  }
  std::vector<double> one_large(count, 1e-9);
  std::vector<double> one_small(count, 1.0);
  if (count > 0) {
    one_large[0] = 1.0;
    one_small[0] = 1e-9;
  }
  const auto times = [&spread](double factor) {
    std::vector<double> out(spread);
    for (double& v : out) {
      v *= factor;
    }
    return out;
  };
  return {{"random", spread},
          {"identity", std::vector<double>(count, 1.0)},
          {"zero", std::vector<double>(count, 0.0)},
          {"clustered, one large", one_large},
          {"clustered, one small", one_small},
          {"graded", graded},
          {"rank deficient", deficient},
          {"near underflow", times(1e-150)},
          {"near overflow", times(1e150)}};
}

double residual_ratio(const Dense& error, double size, Index n) {
  const double found = norm(error);
  if (found == 0.0) {
    return 0.0;
  }
  return found / (size * static_cast<double>(std::max<Index>(n, 1)) * kEps);
}

double orthogonality_ratio(const Dense& v) {
  return residual_ratio(difference(product(transposed(v), v), identity(v.cols)), 1.0, v.rows);
}

// ---- samples -----------------------------------------------------------------------------------

std::ostream& operator<<(std::ostream& out, Layout layout) {
  constexpr const char* kNames[] = {"row-major",       "column-major",          "sliced",
                                    "reversed",        "reversed column-major", "unaligned",
                                    "repeated sample", "repeated feature"};
  return out << kNames[static_cast<std::size_t>(layout)];
}

namespace {

// A sign, so many bits of exponent, and the rest of 16 bits mantissa.
double value_of(std::uint16_t bits, int exponent_bits) {
  const int digits = 15 - exponent_bits;
  const int special = (1 << exponent_bits) - 1;
  const int exponent = (bits >> digits) & special;
  const int mantissa = bits & ((1 << digits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == special) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  const int last = 1 - special / 2 - digits;  // exponent of the smallest number
  return exponent == 0 ? sign * std::ldexp(mantissa, last)
                       : sign * std::ldexp((1 << digits) + mantissa, last + exponent - 1);
}

}  // namespace

double value_of_half(std::uint16_t bits) { return value_of(bits, 5); }
double value_of_bfloat(std::uint16_t bits) { return value_of(bits, 8); }

namespace {

// Memory for the view, which is filled but for the values.
Samples empty_samples(Index rows, Index cols, DType dtype, Layout layout, bool byte_swapped) {
  const Index size = size_of(dtype);
  Index row_stride = cols * size;
  Index col_stride = size;
  Index first = 0;
  switch (layout) {
    case Layout::kRowMajor:
      break;
    case Layout::kColumnMajor:
      row_stride = size;
      col_stride = rows * size;
      break;
    case Layout::kSliced:
      row_stride = 2 * (3 * cols * size);
      col_stride = 3 * size;
      break;
    case Layout::kReversed:
      row_stride = -row_stride;
      col_stride = -col_stride;
      break;
    case Layout::kReversedColumns:
      row_stride = -size;
      col_stride = -rows * size;
      break;
    case Layout::kUnaligned:
      row_stride += 1;
      first = 1;
      break;
    case Layout::kRepeatedSample:
      row_stride = 0;
      break;
    case Layout::kRepeatedFeature:
      row_stride = size;
      col_stride = 0;
      break;
  }
  const Index row_span = (rows - 1) * row_stride;
  const Index col_span = (cols - 1) * col_stride;
  first -= std::min<Index>(row_span, 0) + std::min<Index>(col_span, 0);

  Samples out;
  out.values = Dense(rows, cols);
  out.bytes.assign(at(first + std::max<Index>(row_span, 0) + std::max<Index>(col_span, 0) + size),
                   0xff);
  out.view.data = out.bytes.data() + first;
  out.view.dtype = dtype;
  out.view.byte_swapped = byte_swapped;
  out.view.rows = rows;
  out.view.cols = cols;
  out.view.row_stride = row_stride;
  out.view.col_stride = col_stride;
  return out;
}

template <class T>
void put(Samples& samples, Index i, Index j, T stored, double value) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &stored, sizeof(T));
  if (samples.view.byte_swapped) {
    std::reverse(std::begin(bytes), std::end(bytes));
  }
  const Index offset = samples.view.data - samples.bytes.data() + i * samples.view.row_stride +
                       j * samples.view.col_stride;
  std::copy(std::begin(bytes), std::end(bytes), samples.bytes.begin() + offset);
  samples.values(i, j) = value;
}

template <class T>
void fill_with_integers(Samples& samples, std::mt19937_64& random) {
  for (Index i = 0; i < samples.view.rows; ++i) {
    for (Index j = 0; j < samples.view.cols; ++j) {
      const T value = static_cast<T>(random());  // all bits
      put(samples, i, j, value, static_cast<double>(value));
    }
  }
}

template <class T>
void fill_with_reals(Samples& samples, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  for (Index i = 0; i < samples.view.rows; ++i) {
    for (Index j = 0; j < samples.view.cols; ++j) {
      const double spread = 1.0 + static_cast<double>(j % 3);
      const double offset = 10.0 * static_cast<double>(j % 7);
      const T value = static_cast<T>(offset + spread * normal(random));
      put(samples, i, j, value, static_cast<double>(value));
    }
  }
}

void fill_with_halves(Samples& samples, std::mt19937_64& random) {
  for (Index i = 0; i < samples.view.rows; ++i) {
    for (Index j = 0; j < samples.view.cols; ++j) {
      const std::uint64_t bits = random();
      const auto exponent = static_cast<std::uint16_t>(10 + bits % 8);
      const auto half = static_cast<std::uint16_t>(((bits >> 8) & 0x83ffU) |
                                                   static_cast<unsigned>(exponent << 10));
      put(samples, i, j, half, value_of_half(half));
    }
  }
}

void fill_with_bfloats(Samples& samples, std::mt19937_64& random) {
  for (Index i = 0; i < samples.view.rows; ++i) {
    for (Index j = 0; j < samples.view.cols; ++j) {
      const std::uint64_t bits = random();
      const auto exponent = static_cast<unsigned>(123 + bits % 8);
      const auto bfloat = static_cast<std::uint16_t>(((bits >> 8) & 0x807fU) |
                                                     static_cast<unsigned>(exponent << 7));
      put(samples, i, j, bfloat, value_of_bfloat(bfloat));
    }
  }
}

void repeat(Samples& samples, Layout layout) {
  // Every write went to the same memory, so the last one is what counts.
  const Index last_row = samples.view.rows - 1;
  const Index last_col = samples.view.cols - 1;
  for (Index i = 0; i < samples.view.rows; ++i) {
    for (Index j = 0; j < samples.view.cols; ++j) {
      if (layout == Layout::kRepeatedSample) {
        samples.values(i, j) = samples.values(last_row, j);
      } else if (layout == Layout::kRepeatedFeature) {
        samples.values(i, j) = samples.values(i, last_col);
      }
    }
  }
}

}  // namespace

Samples random_samples(Index rows, Index cols, DType dtype, unsigned seed, Layout layout,
                       bool byte_swapped) {
  Samples out = empty_samples(rows, cols, dtype, layout, byte_swapped);
  std::mt19937_64 random(seed);
  switch (dtype) {
    case DType::kFloat16:
      fill_with_halves(out, random);
      break;
    case DType::kBFloat16:
      fill_with_bfloats(out, random);
      break;
    case DType::kFloat32:
      fill_with_reals<float>(out, random);
      break;
    case DType::kFloat64:
      fill_with_reals<double>(out, random);
      break;
    case DType::kInt8:
      fill_with_integers<std::int8_t>(out, random);
      break;
    case DType::kInt16:
      fill_with_integers<std::int16_t>(out, random);
      break;
    case DType::kInt32:
      fill_with_integers<std::int32_t>(out, random);
      break;
    case DType::kInt64:
      fill_with_integers<std::int64_t>(out, random);
      break;
    case DType::kUInt8:
      fill_with_integers<std::uint8_t>(out, random);
      break;
    case DType::kUInt16:
      fill_with_integers<std::uint16_t>(out, random);
      break;
    case DType::kUInt32:
      fill_with_integers<std::uint32_t>(out, random);
      break;
    case DType::kUInt64:
      fill_with_integers<std::uint64_t>(out, random);
      break;
  }
  repeat(out, layout);
  return out;
}

Samples samples_of(const Dense& values, DType dtype, Layout layout) {
  Samples out = empty_samples(values.rows, values.cols, dtype, layout, false);
  for (Index i = 0; i < values.rows; ++i) {
    for (Index j = 0; j < values.cols; ++j) {
      if (dtype == DType::kFloat32) {
        const auto value = static_cast<float>(values(i, j));
        put(out, i, j, value, static_cast<double>(value));
      } else {
        put(out, i, j, values(i, j), values(i, j));
      }
    }
  }
  return out;
}

// ---- reference moments -------------------------------------------------------------------------

namespace {

long double mean_of(const Dense& x, Index j) {
  long double sum = 0.0L;
  for (Index i = 0; i < x.rows; ++i) {
    sum += x(i, j);
  }
  return sum / static_cast<long double>(x.rows);
}

}  // namespace

long double centred_product(const Dense& x, Index i, const Dense& y, Index j) {
  const long double mean_x = mean_of(x, i);
  const long double mean_y = mean_of(y, j);
  long double sum = 0.0L;
  for (Index k = 0; k < x.rows; ++k) {
    sum += (x(k, i) - mean_x) * (y(k, j) - mean_y);
  }
  return sum;
}

Reference reference_of(const Dense& samples) {
  Reference out;
  for (Index j = 0; j < samples.cols; ++j) {
    const auto mean = static_cast<double>(mean_of(samples, j));
    const auto squares = static_cast<double>(centred_product(samples, j, samples, j));
    out.mean.push_back(mean);
    // A constant column's centred values are roundings of its mean.
    out.scale.push_back(std::sqrt(squares) +
                        kEps * std::abs(mean) * std::sqrt(static_cast<double>(samples.rows)));
  }
  return out;
}

double product_error(double found, const Dense& x, Index i, const Dense& y, Index j,
                     const Reference& rx, const Reference& ry) {
  const auto error = static_cast<double>(std::abs(found - centred_product(x, i, y, j)));
  return error == 0.0 ? 0.0 : error / (kEps * rx.scale[at(i)] * ry.scale[at(j)]);
}

// ---- states ------------------------------------------------------------------------------------

namespace {

void add_tiles(Snapshot& out, const Matrix& tile) { out.scatter.push_back(to_host(tile).values); }

}  // namespace

Snapshot snapshot(const Moments& moments) {
  Snapshot out;
  out.n = moments.n_samples();
  out.products = moments.products();
  for (Index i = 0; i < moments.block_count(); ++i) {
    const Block& block = moments.block(i);
    out.names.push_back(block.name);
    out.precisions.emplace_back(name_of(block.precision));
    out.means.push_back(block.mean);
    for (Index j = 0; j <= i; ++j) {
      add_tiles(out, moments.scatter(i, j));
    }
  }
  return out;
}

Snapshot snapshot(const QrFactor& factor) {
  Snapshot out;
  out.n = factor.n_samples();
  for (Index i = 0; i < factor.block_count(); ++i) {
    const Block& block = factor.block(i);
    out.names.push_back(block.name);
    out.precisions.emplace_back(name_of(block.precision));
    out.means.push_back(block.mean);
  }
  add_tiles(out, factor.factor());
  return out;
}

Snapshot snapshot(const BatchMoments& batch) {
  Snapshot out;
  out.n = batch.n;
  out.means = batch.means;
  for (const auto& row : batch.scatter) {
    for (const auto& tile : row) {
      add_tiles(out, tile);
    }
  }
  return out;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

bool same_bits(const Snapshot& a, const Snapshot& b) {
  const auto same = [](const std::vector<double>& x, const std::vector<double>& y) {
    return same_bits(x, y);
  };
  return a.n == b.n && a.products == b.products && a.names == b.names &&
         a.precisions == b.precisions &&
         std::equal(a.means.begin(), a.means.end(), b.means.begin(), b.means.end(), same) &&
         std::equal(a.scatter.begin(), a.scatter.end(), b.scatter.begin(), b.scatter.end(), same);
}

Moments moments_of(const std::vector<Dense>& blocks, DType dtype) {
  std::vector<Samples> samples;
  std::vector<ArrayView> views;
  std::vector<std::string> names;
  for (const Dense& block : blocks) {
    samples.push_back(samples_of(block, dtype));
    views.push_back(samples.back().view);
    names.push_back("block" + std::to_string(names.size()));
  }
  Moments out(backend());
  out.update(names, views);
  return out;
}

}  // namespace fastcca::testing
