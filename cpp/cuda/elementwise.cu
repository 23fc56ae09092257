#include <cmath>
#include <type_traits>

#include "cuda/elementwise.hpp"
#include "cuda/launch.hpp"

namespace fastcca::cuda {

namespace {

// A complex number as kernels take it: the operators of std::complex are functions of the host.
struct Pair {
  double real;
  double imaginary;
};

template <class Scalar>
using Number = std::conditional_t<std::is_same_v<Scalar, double>, double, Pair>;

const double* numbers(const double* p) { return p; }
double* numbers(double* p) { return p; }
const Pair* numbers(const Complex* p) { return reinterpret_cast<const Pair*>(p); }
Pair* numbers(Complex* p) { return reinterpret_cast<Pair*>(p); }

__host__ __device__ inline double times(double factor, double v) { return factor * v; }
__host__ __device__ inline Pair times(double factor, Pair v) {
  return {factor * v.real, factor * v.imaginary};
}
__host__ __device__ inline double sum(double a, double b) { return a + b; }
__host__ __device__ inline Pair sum(Pair a, Pair b) {
  return {a.real + b.real, a.imaginary + b.imaginary};
}
__host__ __device__ inline double real_part(double v) { return v; }
__host__ __device__ inline double real_part(Pair v) { return v.real; }
__host__ __device__ inline double square(double v) { return v * v; }
__host__ __device__ inline double square(Pair v) {
  return v.real * v.real + v.imaginary * v.imaginary;
}
__host__ __device__ inline double magnitude(double v) { return fabs(v); }
__host__ __device__ inline double magnitude(Pair v) { return hypot(v.real, v.imaginary); }
__host__ __device__ inline void set(double& to, double value) { to = value; }
__host__ __device__ inline void set(Pair& to, double value) { to = {value, 0.0}; }

template <class N>
struct TakeDiagonal {
  const N* a;
  Index rows;
  double* out;
  __host__ __device__ void operator()(Index i) const { out[i] = real_part(a[i * (rows + 1)]); }
};

template <class N>
struct ScaleSubmatrix {
  const N* a;
  Index lda;
  const Index* rows;
  const double* row_scale;
  Index n_rows;
  const Index* cols;
  const double* col_scale;
  N* out;
  __host__ __device__ void operator()(Index at) const {
    const Index i = at % n_rows;
    const Index j = at / n_rows;
    out[at] = times(col_scale[j], times(row_scale[i], a[rows[i] + cols[j] * lda]));
  }
};

template <class N>
struct ScatterRows {
  const N* a;
  const Index* rows;
  const double* row_scale;
  Index n_rows;
  N* out;
  Index total_rows;
  __host__ __device__ void operator()(Index at) const {
    const Index i = at % n_rows;
    out[rows[i] + at / n_rows * total_rows] = times(row_scale[i], a[at]);
  }
};

template <class N>
struct ScaleColumns {
  const N* a;
  Index n_rows;
  const Index* cols;
  const double* col_scale;
  N* out;
  __host__ __device__ void operator()(Index at) const {
    const Index j = at / n_rows;
    out[at] = times(col_scale[j], a[at % n_rows + cols[j] * n_rows]);
  }
};

template <class N>
struct Scale {
  N* a;
  double factor;
  __host__ __device__ void operator()(Index i) const { a[i] = times(factor, a[i]); }
};

template <class N>
struct AddToDiagonal {
  N* a;
  Index rows;
  N value;
  __host__ __device__ void operator()(Index i) const {
    a[i * (rows + 1)] = sum(a[i * (rows + 1)], value);
  }
};

template <class N>
struct AddScaled {
  N* a;
  double weight;
  const N* b;
  __host__ __device__ void operator()(Index i) const { a[i] = sum(a[i], times(weight, b[i])); }
};

template <class N>
struct ClearAboveDiagonal {
  N* a;
  Index n;
  __host__ __device__ void operator()(Index at) const {
    if (at % n < at / n) {
      set(a[at], 0.0);
    }
  }
};

template <class N>
struct SetIdentity {
  N* a;
  Index n;
  __host__ __device__ void operator()(Index at) const { set(a[at], at % n == at / n ? 1.0 : 0.0); }
};

// Part t of column j has the rows t, t + kColumnParts, ...: neighbours read neighbours.
template <class N, bool kSquared>
struct SumPart {
  const N* a;
  const double* weight;
  Index rows;
  double* parts;
  __host__ __device__ void operator()(Index at) const {
    const N* column = a + at / kColumnParts * rows;
    double total = 0.0;
    for (Index i = at % kColumnParts; i < rows; i += kColumnParts) {
      total += kSquared ? weight[i] * square(column[i]) : magnitude(column[i]);
    }
    parts[at] = total;
  }
};

struct JoinSumParts {
  const double* parts;
  double* out;
  __host__ __device__ void operator()(Index j) const {
    double total = 0.0;
    for (Index t = 0; t < kColumnParts; ++t) {
      total += parts[j * kColumnParts + t];
    }
    out[j] = total;
  }
};

struct SetRow {
  double* a;
  Index rows;
  Index row;
  const double* values;
  __host__ __device__ void operator()(Index j) const { a[row + j * rows] = values[j]; }
};

// u[i] * v[j] first: with u = v the sum stays symmetric to the last bit.
struct AddWithOuter {
  double* a;
  const double* b;
  double weight;
  const double* u;
  const double* v;
  Index rows;
  __host__ __device__ void operator()(Index at) const {
    a[at] += b[at] + weight * (u[at % rows] * v[at / rows]);
  }
};

struct JoinParts {
  const double* real;
  const double* imaginary;
  Pair* out;
  __host__ __device__ void operator()(Index i) const { out[i] = {real[i], imaginary[i]}; }
};

struct Stack {
  const double* upper;
  const double* rows;
  Index n;
  Index m;
  double* out;
  __host__ __device__ void operator()(Index at) const {
    const Index i = at % (n + m);
    const Index j = at / (n + m);
    if (i < n) {
      out[at] = i <= j ? upper[i + j * n] : 0.0;
    } else {
      out[at] = rows[i - n + j * m];
    }
  }
};

struct TakeUpper {
  const double* a;
  Index lda;
  Index n;
  double* out;
  __host__ __device__ void operator()(Index at) const {
    const Index i = at % n;
    const Index j = at / n;
    out[at] = i <= j ? a[i + j * lda] : 0.0;
  }
};

}  // namespace

template <class Scalar>
void take_diagonal(cudaStream_t stream, const Scalar* a, Index rows, Index count, double* out) {
  launch(stream, count, TakeDiagonal<Number<Scalar>>{numbers(a), rows, out});
}

template <class Scalar>
void scale_submatrix(cudaStream_t stream, const Scalar* a, Index lda, const Index* rows,
                     const double* row_scale, Index n_rows, const Index* cols,
                     const double* col_scale, Index n_cols, Scalar* out) {
  launch(stream, n_rows * n_cols,
         ScaleSubmatrix<Number<Scalar>>{numbers(a), lda, rows, row_scale, n_rows, cols, col_scale,
                                        numbers(out)});
}

template <class Scalar>
void scatter_rows(cudaStream_t stream, const Scalar* a, const Index* rows, const double* row_scale,
                  Index n_rows, Index n_cols, Scalar* out, Index total_rows) {
  launch(
      stream, n_rows * n_cols,
      ScatterRows<Number<Scalar>>{numbers(a), rows, row_scale, n_rows, numbers(out), total_rows});
}

template <class Scalar>
void scale_columns(cudaStream_t stream, const Scalar* a, Index n_rows, const Index* cols,
                   const double* col_scale, Index n_cols, Scalar* out) {
  launch(stream, n_rows * n_cols,
         ScaleColumns<Number<Scalar>>{numbers(a), n_rows, cols, col_scale, numbers(out)});
}

template <class Scalar>
void scale(cudaStream_t stream, Scalar* a, Index count, double factor) {
  launch(stream, count, Scale<Number<Scalar>>{numbers(a), factor});
}

template <class Scalar>
void add_to_diagonal(cudaStream_t stream, Scalar* a, Index rows, Index count, double value) {
  Number<Scalar> added;
  set(added, value);
  launch(stream, count, AddToDiagonal<Number<Scalar>>{numbers(a), rows, added});
}

template <class Scalar>
void add_scaled(cudaStream_t stream, Scalar* a, double weight, const Scalar* b, Index count) {
  launch(stream, count, AddScaled<Number<Scalar>>{numbers(a), weight, numbers(b)});
}

template <class Scalar>
void clear_above_diagonal(cudaStream_t stream, Scalar* a, Index n) {
  launch(stream, n * n, ClearAboveDiagonal<Number<Scalar>>{numbers(a), n});
}

template <class Scalar>
void set_identity(cudaStream_t stream, Scalar* a, Index n) {
  launch(stream, n * n, SetIdentity<Number<Scalar>>{numbers(a), n});
}

template <class Scalar>
void weighted_squares(cudaStream_t stream, const Scalar* a, const double* weight, Index rows,
                      Index cols, double* parts, double* out) {
  launch(stream, cols * kColumnParts,
         SumPart<Number<Scalar>, true>{numbers(a), weight, rows, parts});
  launch(stream, cols, JoinSumParts{parts, out});
}

template <class Scalar>
void abs_sums(cudaStream_t stream, const Scalar* a, Index rows, Index cols, double* parts,
              double* out) {
  launch(stream, cols * kColumnParts,
         SumPart<Number<Scalar>, false>{numbers(a), nullptr, rows, parts});
  launch(stream, cols, JoinSumParts{parts, out});
}

void set_row(cudaStream_t stream, double* a, Index rows, Index cols, Index row,
             const double* values) {
  launch(stream, cols, SetRow{a, rows, row, values});
}

void add_with_outer(cudaStream_t stream, double* a, const double* b, double weight, const double* u,
                    const double* v, Index rows, Index cols) {
  launch(stream, rows * cols, AddWithOuter{a, b, weight, u, v, rows});
}

void join_parts(cudaStream_t stream, const double* real, const double* imaginary, Index count,
                Complex* out) {
  launch(stream, count, JoinParts{real, imaginary, numbers(out)});
}

void stack(cudaStream_t stream, const double* upper, const double* rows, Index n, Index m,
           double* out) {
  launch(stream, (n + m) * n, Stack{upper, rows, n, m, out});
}

void take_upper(cudaStream_t stream, const double* a, Index lda, Index n, double* out) {
  launch(stream, n * n, TakeUpper{a, lda, n, out});
}

#define FASTCCA_ELEMENTWISE(Scalar)                                                              \
  template void take_diagonal(cudaStream_t, const Scalar*, Index, Index, double*);               \
  template void scale_submatrix(cudaStream_t, const Scalar*, Index, const Index*, const double*, \
                                Index, const Index*, const double*, Index, Scalar*);             \
  template void scatter_rows(cudaStream_t, const Scalar*, const Index*, const double*, Index,    \
                             Index, Scalar*, Index);                                             \
  template void scale_columns(cudaStream_t, const Scalar*, Index, const Index*, const double*,   \
                              Index, Scalar*);                                                   \
  template void scale(cudaStream_t, Scalar*, Index, double);                                     \
  template void add_to_diagonal(cudaStream_t, Scalar*, Index, Index, double);                    \
  template void add_scaled(cudaStream_t, Scalar*, double, const Scalar*, Index);                 \
  template void clear_above_diagonal(cudaStream_t, Scalar*, Index);                              \
  template void set_identity(cudaStream_t, Scalar*, Index);                                      \
  template void weighted_squares(cudaStream_t, const Scalar*, const double*, Index, Index,       \
                                 double*, double*);                                              \
  template void abs_sums(cudaStream_t, const Scalar*, Index, Index, double*, double*);

FASTCCA_ELEMENTWISE(double)
FASTCCA_ELEMENTWISE(Complex)

}  // namespace fastcca::cuda
