#include <cmath>

#include "cuda/column_sums.hpp"
#include "cuda/launch.hpp"

namespace fastcca::cuda {

namespace {

// Of values, or of the squares of values times scale, where there is one.
template <class T>
struct SumParts {
  ColumnsOf<T> of;
  const double* scale;
  Index squares;  // 0 or 1
  Index count;    // of parts
  double* parts;
  __host__ __device__ void operator()(Index at) const {
    // Neighbours read next to each other.
    const bool along_samples = of.row_stride == 1;
    const Index t = along_samples ? at % count : at / of.cols;
    const Index j = along_samples ? at / count : at % of.cols;
    const double factor = scale != nullptr ? scale[j] : 1.0;
    double total = 0.0;
    for (Index k = t; k < of.rows; k += count) {
      const double value = of.data[k * of.row_stride + j * of.col_stride] * factor;
      total += squares != 0 ? value * value : value;
    }
    parts[t * of.cols + j] = total;
  }
};

struct AddParts {
  const double* parts;
  Index count;
  Index cols;
  double* sums;
  __host__ __device__ void operator()(Index j) const {
    double total = 0.0;
    for (Index t = 0; t < count; ++t) {
      total += parts[t * cols + j];
    }
    sums[j] += total;
  }
};

struct Divide {
  double* values;
  double divisor;
  __host__ __device__ void operator()(Index i) const { values[i] /= divisor; }
};

struct AddDeviations {
  Columns of;
  const double* centre;
  double* largest;
  __host__ __device__ void operator()(Index j) const {
    double most = largest[j];
    for (Index k = 0; k < of.rows; ++k) {
      const double deviation = fabs(of.data[k * of.row_stride + j * of.col_stride] - centre[j]);
      if (most < deviation) {
        most = deviation;
      }
    }
    largest[j] = most;
  }
};

struct AddNonFinite {
  Columns of;
  Index first_row;
  Found found;
  __host__ __device__ void operator()(Index j) const {
    Index count = found.count[j];
    for (Index k = 0; k < of.rows; ++k) {
      const double value = of.data[k * of.row_stride + j * of.col_stride];
      if (value - value == 0.0) {
        continue;
      }
      if (count == 0) {
        found.row[j] = first_row + k;
        found.value[j] = value;
      }
      ++count;
    }
    found.count[j] = count;
  }
};

struct Narrow {
  Columns of;
  const double* scale;
  float* to;
  __host__ __device__ void operator()(Index at) const {
    const Index j = at % of.cols;
    to[at] =
        static_cast<float>(of.data[at / of.cols * of.row_stride + j * of.col_stride] * scale[j]);
  }
};

struct SubtractMeans {
  double* data;
  Columns of;
  const double* sums;
  __host__ __device__ void operator()(Index at) const {
    const Index j = at / of.rows;
    data[at % of.rows * of.row_stride + j * of.col_stride] -=
        sums[j] / static_cast<double>(of.rows);
  }
};

template <class T>
void add_parts(cudaStream_t stream, const SumParts<T>& sum, double* sums) {
  launch(stream, sum.count * sum.of.cols, sum);
  launch(stream, sum.of.cols, AddParts{sum.parts, sum.count, sum.of.cols, sums});
}

}  // namespace

void add_sums(cudaStream_t stream, const Columns& of, double* parts, double* sums) {
  add_parts(stream, SumParts<double>{of, nullptr, 0, kParts, parts}, sums);
}

void add_squares(cudaStream_t stream, const Columns& of, const double* scale, double* parts,
                 double* squares) {
  add_parts(stream, SumParts<double>{of, scale, 1, kParts, parts}, squares);
}

template <class T>
void add_energies(cudaStream_t stream, const ColumnsOf<T>& of, double* parts, double* energies) {
  add_parts(stream, SumParts<T>{of, nullptr, 1, kEnergyParts, parts}, energies);
}
template void add_energies(cudaStream_t, const ColumnsOf<float>&, double*, double*);
template void add_energies(cudaStream_t, const ColumnsOf<double>&, double*, double*);

void divide(cudaStream_t stream, double* values, Index count, double divisor) {
  launch(stream, count, Divide{values, divisor});
}

void add_deviations(cudaStream_t stream, const Columns& of, const double* centre, double* largest) {
  launch(stream, of.cols, AddDeviations{of, centre, largest});
}

void add_non_finite(cudaStream_t stream, const Columns& of, Index first_row, const Found& found) {
  launch(stream, of.cols, AddNonFinite{of, first_row, found});
}

void narrow(cudaStream_t stream, const Columns& of, const double* scale, float* to) {
  launch(stream, of.rows * of.cols, Narrow{of, scale, to});
}

void subtract_means(cudaStream_t stream, double* data, const Columns& of, const double* sums) {
  launch(stream, of.rows * of.cols, SubtractMeans{data, of, sums});
}

}  // namespace fastcca::cuda
