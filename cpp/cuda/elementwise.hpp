// Operations on single entries of matrices and sums along columns, enqueued on a stream. Pointers
// are to device memory, matrices column-major without gaps, Scalar is double or Complex.
#pragma once

#include <cuda_runtime_api.h>

#include "core/types.hpp"

namespace fastcca::cuda {

// out[i] = real part of a[i, i], count of them
template <class Scalar>
void take_diagonal(cudaStream_t stream, const Scalar* a, Index rows, Index count, double* out);

// out[i, j] = row_scale[i] * a[rows[i], cols[j]] * col_scale[j], a with leading dimension lda
template <class Scalar>
void scale_submatrix(cudaStream_t stream, const Scalar* a, Index lda, const Index* rows,
                     const double* row_scale, Index n_rows, const Index* cols,
                     const double* col_scale, Index n_cols, Scalar* out);

// out[rows[i], j] = row_scale[i] * a[i, j]
template <class Scalar>
void scatter_rows(cudaStream_t stream, const Scalar* a, const Index* rows, const double* row_scale,
                  Index n_rows, Index n_cols, Scalar* out, Index total_rows);

// out[i, j] = a[i, cols[j]] * col_scale[j]
template <class Scalar>
void scale_columns(cudaStream_t stream, const Scalar* a, Index n_rows, const Index* cols,
                   const double* col_scale, Index n_cols, Scalar* out);

// a[i] *= factor
template <class Scalar>
void scale(cudaStream_t stream, Scalar* a, Index count, double factor);

template <class Scalar>
void add_to_diagonal(cudaStream_t stream, Scalar* a, Index rows, Index count, double value);

// a[i] += weight * b[i]
template <class Scalar>
void add_scaled(cudaStream_t stream, Scalar* a, double weight, const Scalar* b, Index count);

// Zeros above the diagonal of a square matrix.
template <class Scalar>
void clear_above_diagonal(cudaStream_t stream, Scalar* a, Index n);

// Ones on the diagonal, zeros elsewhere.
template <class Scalar>
void set_identity(cudaStream_t stream, Scalar* a, Index n);

// Sums along columns are added up in so many parts, and these in their order.
inline constexpr Index kColumnParts = 32;

// out[j] = sum_i weight[i] * |a[i, j]|^2; parts holds kColumnParts * cols numbers.
template <class Scalar>
void weighted_squares(cudaStream_t stream, const Scalar* a, const double* weight, Index rows,
                      Index cols, double* parts, double* out);
// out[j] = sum_i |a[i, j]|
template <class Scalar>
void abs_sums(cudaStream_t stream, const Scalar* a, Index rows, Index cols, double* parts,
              double* out);

// a[row, j] = values[j]
void set_row(cudaStream_t stream, double* a, Index rows, Index cols, Index row,
             const double* values);

// a[i, j] += b[i, j] + weight * (u[i] * v[j])
void add_with_outer(cudaStream_t stream, double* a, const double* b, double weight, const double* u,
                    const double* v, Index rows, Index cols);

void join_parts(cudaStream_t stream, const double* real, const double* imaginary, Index count,
                Complex* out);

// The upper triangle of upper (n, n) above rows (m, n), as one (n + m, n) matrix.
void stack(cudaStream_t stream, const double* upper, const double* rows, Index n, Index m,
           double* out);
// The upper triangle of the first n of a's rows, zeros below it.
void take_upper(cudaStream_t stream, const double* a, Index lda, Index n, double* out);

}  // namespace fastcca::cuda
