// Sums and searches along the samples of every feature, enqueued on a stream.
#pragma once

#include <cuda_runtime_api.h>

#include "core/types.hpp"

namespace fastcca::cuda {

// Values in device memory: sample k of feature j at data[k * row_stride + j * col_stride].
template <class T>
struct ColumnsOf {
  const T* data;
  Index row_stride;
  Index col_stride;
  Index rows;
  Index cols;
};
using Columns = ColumnsOf<double>;

// The samples of a feature are added up in so many parts, and these in their order.
inline constexpr Index kParts = 32;
// Of maps, which have few channels and many pixels.
inline constexpr Index kEnergyParts = 512;

// sums[j] += the sum of feature j. parts holds kParts * cols numbers.
void add_sums(cudaStream_t stream, const Columns& of, double* parts, double* sums);
// squares[j] += the sum of (value * scale[j])^2
void add_squares(cudaStream_t stream, const Columns& of, const double* scale, double* parts,
                 double* squares);
// energies[j] += the sum of value^2, T float or double. parts holds kEnergyParts * cols numbers.
template <class T>
void add_energies(cudaStream_t stream, const ColumnsOf<T>& of, double* parts, double* energies);
// values[j] /= divisor
void divide(cudaStream_t stream, double* values, Index count, double divisor);

// largest[j] = the larger of it and the largest |value - centre[j]|, NaN apart
void add_deviations(cudaStream_t stream, const Columns& of, const double* centre, double* largest);

// What is not finite in each feature: how many, the first sample of it, and its value.
struct Found {
  Index* count;
  Index* row;
  double* value;
};
// Adds what is found; the first sample is number first_row.
void add_non_finite(cudaStream_t stream, const Columns& of, Index first_row, const Found& found);

// to[k * cols + j] = value * scale[j] in single precision
void narrow(cudaStream_t stream, const Columns& of, const double* scale, float* to);

// data[k * row_stride + j * col_stride] -= sums[j] / rows, for rows of them
void subtract_means(cudaStream_t stream, double* data, const Columns& of, const double* sums);

}  // namespace fastcca::cuda
