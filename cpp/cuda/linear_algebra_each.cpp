// The operations of the CUDA backend on several matrices: those of one size by one call each, since
// a small matrix keeps few of a device's cores busy, and every wait costs what many launches do.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/interrupt.hpp"
#include "cuda/batched_solver.hpp"
#include "cuda/context.hpp"
#include "cuda/cuda_backend.hpp"
#include "cuda/elementwise.hpp"
#include "cuda/numbers.hpp"

namespace fastcca {

using cuda::allocate_matrix;
using cuda::BatchedSolver;
using cuda::Call;
using cuda::check;
using cuda::Context;

namespace {

// Larger ones keep the device busy one by one, with algorithms made for their size. A guess that no
// device has confirmed.
constexpr Index kLargestTogether = 512;

using Members = std::vector<std::size_t>;  // where matrices stand in a list

// Matrices of one shape that are worth one call for all, and all others.
struct Groups {
  std::vector<Members> together;
  Members alone;
};

// shape(i): (rows, cols) of matrix i
template <class Shape>
Groups groups_of(std::size_t count, Shape shape) {
  std::map<std::pair<Index, Index>, Members> by_shape;
  for (std::size_t i = 0; i < count; ++i) {
    by_shape[shape(i)].push_back(i);
  }
  Groups out;
  for (auto& [size, members] : by_shape) {
    const auto [rows, cols] = size;
    if (members.size() > 1 && std::min(rows, cols) > 0 &&
        std::max(rows, cols) <= kLargestTogether) {
      out.together.push_back(std::move(members));
    } else {
      out.alone.insert(out.alone.end(), members.begin(), members.end());
    }
  }
  return out;
}

template <class Scalar>
std::pair<Index, Index> shape_of(const MatrixOf<Scalar>& a) {
  return {a.rows(), a.cols()};
}

// Matrices of one shape, one after the other.
template <class Scalar>
cuda::DeviceBuffer<Scalar> stack_of(const Context& context,
                                    std::span<const MatrixOf<Scalar>* const> a,
                                    const Members& members) {
  const Index size = a[members.front()]->rows() * a[members.front()]->cols();
  auto out = context.buffer<Scalar>(size * static_cast<Index>(members.size()));
  Scalar* to = out.get();
  for (const std::size_t i : members) {
    context.copy_within(a[i]->data(), size, to);
    to += size;
  }
  return out;
}

// Hermitian matrices whose eigenvalues are the singular values of `a`, their negatives, and zeros:
// [0 a'; a 0] (Golub & Kahan 1965). Their errors are in proportion to the largest, as those of an
// SVD; the vectors of small singular values would be worse than its.
template <class Scalar>
cuda::DeviceBuffer<Scalar> jordan_wielandt_of(const Context& context,
                                              const std::vector<MatrixOf<Scalar>>& a,
                                              const Members& members) {
  const auto [rows, cols] = shape_of(a[members.front()]);
  const Index order = rows + cols;
  auto out = context.buffer<Scalar>(order * order * static_cast<Index>(members.size()));
  context.set_zero(out.get(), out.size());
  Scalar* to = out.get() + cols;  // below the first zeros
  constexpr auto kBytes = sizeof(Scalar);
  for (const std::size_t i : members) {
    check(cudaMemcpy2DAsync(to, static_cast<std::size_t>(order) * kBytes, a[i].data(),
                            static_cast<std::size_t>(rows) * kBytes,
                            static_cast<std::size_t>(rows) * kBytes, static_cast<std::size_t>(cols),
                            cudaMemcpyDeviceToDevice, context.stream()),
          "cudaMemcpy2DAsync");
    to += order * order;
  }
  return out;
}

// Eigenvalues by one call for all matrices of a stack, which is lost or becomes their vectors; none
// of those matrices for which that call will not do.
template <class Scalar>
std::vector<std::vector<double>> eigh_together(const Context& context, bool vectors, Index n,
                                               Index count, Scalar* stack) {
  // What cuSOLVER does of itself where squares leave the range of float64 is not documented.
  constexpr double kLeast = 0x1p-300;
  constexpr double kMost = 0x1p300;
  const auto parts = context.buffer<double>(count * cuda::kColumnParts);
  const auto sums = context.buffer<double>(count);
  cuda::abs_sums(context.stream(), stack, n * n, count, parts.get(), sums.get());
  std::vector<double> factors;
  for (const double sum : context.download(sums.get(), count)) {
    Scalar* matrix = stack + static_cast<Index>(factors.size()) * n * n;
    double factor = 1.0;
    if (!std::isfinite(sum)) {
      factor = 0.0;
      context.set_zero(matrix, n * n);
    } else if (sum > 0.0 && (sum < kLeast || sum > kMost)) {
      factor = std::ldexp(1.0, std::min(-std::ilogb(sum), 1000));
      cuda::scale(context.stream(), matrix, n * n, factor);
    }
    factors.push_back(factor);
  }
  auto out = BatchedSolver<Scalar>(context).eigh(vectors, n, count, stack);
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (factors[k] == 0.0) {
      out[k].clear();
    }
    for (double& value : out[k]) {
      value /= factors[k];
    }
  }
  return out;
}

}  // namespace

template <class Scalar, class Base>
std::vector<std::vector<double>> CudaLinearAlgebra<Scalar, Base>::diagonal_each(Each a) const {
  const Call call(*context_);
  Index total = 0;
  for (const Mat* m : a) {
    total += std::min(m->rows(), m->cols());
  }
  const auto all = context_->buffer<double>(total);
  double* to = all.get();
  for (const Mat* m : a) {
    const Index count = std::min(m->rows(), m->cols());
    cuda::take_diagonal(context_->stream(), m->data(), m->rows(), count, to);
    to += count;
  }
  const std::vector<double> values = context_->download(all.get(), total);
  std::vector<std::vector<double>> out;
  auto from = values.begin();
  for (const Mat* m : a) {
    const auto end = from + std::min(m->rows(), m->cols());
    out.emplace_back(from, end);
    from = end;
  }
  return out;
}

template <class Scalar, class Base>
auto CudaLinearAlgebra<Scalar, Base>::cholesky_each(Each a) const
    -> std::vector<std::optional<Mat>> {
  throw_if_interrupted();
  const Call call(*context_);
  std::vector<std::optional<Mat>> out(a.size());
  const Groups groups = groups_of(a.size(), [&](std::size_t i) { return shape_of(*a[i]); });
  for (const std::size_t i : groups.alone) {
    out[i] = cholesky(*a[i]);
  }
  for (const Members& members : groups.together) {
    const Index n = a[members.front()]->rows();
    std::vector<Mat> factors;
    std::vector<Scalar*> pointers;
    for (const std::size_t i : members) {
      factors.push_back(copy(*a[i]));
      pointers.push_back(factors.back().data());
    }
    const auto positive = BatchedSolver<Scalar>(*context_).cholesky(n, pointers);
    for (std::size_t k = 0; k < members.size(); ++k) {
      if (positive[k]) {
        cuda::clear_above_diagonal(context_->stream(), factors[k].data(), n);
        out[members[k]] = std::move(factors[k]);
      }
    }
  }
  return out;
}

template <class Scalar, class Base>
void CudaLinearAlgebra<Scalar, Base>::solve_triangular_each(Each lower, Transpose trans, Side side,
                                                            std::span<Mat* const> b) const {
  throw_if_interrupted();
  const Call call(*context_);
  const Groups groups = groups_of(b.size(), [&](std::size_t i) { return shape_of(*b[i]); });
  for (const std::size_t i : groups.alone) {
    solve_triangular(*lower[i], trans, side, *b[i]);
  }
  for (const Members& members : groups.together) {
    std::vector<const Scalar*> lowers;
    std::vector<Scalar*> right_sides;
    for (const std::size_t i : members) {
      lowers.push_back(lower[i]->data());
      right_sides.push_back(b[i]->data());
    }
    const auto [rows, cols] = shape_of(*b[members.front()]);
    BatchedSolver<Scalar>(*context_).solve_triangular(
        lowers, cuda::operation<Scalar>(trans == Transpose::kYes),
        side == Side::kRight ? CUBLAS_SIDE_RIGHT : CUBLAS_SIDE_LEFT, rows, cols, right_sides);
  }
}

template <class Scalar, class Base>
std::vector<std::vector<double>> CudaLinearAlgebra<Scalar, Base>::eigenvalues_each(
    Each symmetric) const {
  throw_if_interrupted();
  const Call call(*context_);
  std::vector<std::vector<double>> out(symmetric.size());
  Groups groups =
      groups_of(symmetric.size(), [&](std::size_t i) { return shape_of(*symmetric[i]); });
  for (const Members& members : groups.together) {
    const Index n = symmetric[members.front()]->rows();
    const auto count = static_cast<Index>(members.size());
    const auto stack = stack_of<Scalar>(*context_, symmetric, members);
    auto found = eigh_together(*context_, false, n, count, stack.get());
    for (std::size_t k = 0; k < members.size(); ++k) {
      out[members[k]] = std::move(found[k]);
      if (out[members[k]].empty()) {
        groups.alone.push_back(members[k]);
      }
    }
  }
  for (const std::size_t i : groups.alone) {
    out[i] = eigenvalues(copy(*symmetric[i]));
  }
  return out;
}

template <class Scalar, class Base>
auto CudaLinearAlgebra<Scalar, Base>::eigh_each(std::vector<Mat> symmetric) const
    -> std::vector<EigenDecompositionOf<Scalar>> {
  throw_if_interrupted();
  const Call call(*context_);
  std::vector<EigenDecompositionOf<Scalar>> out(symmetric.size());
  std::vector<const Mat*> pointers;
  for (const Mat& m : symmetric) {
    pointers.push_back(&m);
  }
  Groups groups =
      groups_of(symmetric.size(), [&](std::size_t i) { return shape_of(symmetric[i]); });
  for (const Members& members : groups.together) {
    const Index n = symmetric[members.front()].rows();
    const auto count = static_cast<Index>(members.size());
    const auto stack = stack_of<Scalar>(*context_, pointers, members);
    auto found = eigh_together(*context_, true, n, count, stack.get());
    for (std::size_t k = 0; k < members.size(); ++k) {
      const std::size_t i = members[k];
      if (found[k].empty()) {
        groups.alone.push_back(i);
        continue;
      }
      context_->copy_within(stack.get() + static_cast<Index>(k) * n * n, n * n,
                            symmetric[i].data());
      out[i] = {std::move(found[k]), std::move(symmetric[i])};
    }
  }
  for (const std::size_t i : groups.alone) {
    out[i] = eigh(std::move(symmetric[i]));
  }
  return out;
}

template <class Scalar, class Base>
std::vector<std::vector<double>> CudaLinearAlgebra<Scalar, Base>::singular_values_each(
    std::vector<Mat> a) const {
  throw_if_interrupted();
  const Call call(*context_);
  std::vector<std::vector<double>> out(a.size());
  Groups groups = groups_of(a.size(), [&](std::size_t i) { return shape_of(a[i]); });
  for (const Members& members : groups.together) {
    const auto [rows, cols] = shape_of(a[members.front()]);
    const Index order = rows + cols;
    const auto count = static_cast<Index>(members.size());
    const auto stack = jordan_wielandt_of(*context_, a, members);
    auto found = eigh_together(*context_, false, order, count, stack.get());
    for (std::size_t k = 0; k < members.size(); ++k) {
      if (found[k].empty()) {
        groups.alone.push_back(members[k]);
        continue;
      }
      std::vector<double>& values = out[members[k]];
      values.assign(found[k].rbegin(), found[k].rbegin() + std::min(rows, cols));
      for (double& value : values) {
        value = std::max(value, 0.0);
      }
    }
  }
  for (const std::size_t i : groups.alone) {
    out[i] = singular_values(std::move(a[i]));
  }
  return out;
}

#define FASTCCA_INSTANTIATE(Scalar, ...)                                                        \
  template std::vector<std::vector<double>> __VA_ARGS__::diagonal_each(Each) const;             \
  template std::vector<std::optional<MatrixOf<Scalar>>> __VA_ARGS__::cholesky_each(Each) const; \
  template void __VA_ARGS__::solve_triangular_each(Each, Transpose, Side,                       \
                                                   std::span<MatrixOf<Scalar>* const>) const;   \
  template std::vector<std::vector<double>> __VA_ARGS__::eigenvalues_each(Each) const;          \
  template std::vector<EigenDecompositionOf<Scalar>> __VA_ARGS__::eigh_each(                    \
      std::vector<MatrixOf<Scalar>>) const;                                                     \
  template std::vector<std::vector<double>> __VA_ARGS__::singular_values_each(                  \
      std::vector<MatrixOf<Scalar>>) const;

FASTCCA_INSTANTIATE(double, CudaLinearAlgebra<double, Backend>)
FASTCCA_INSTANTIATE(Complex, CudaLinearAlgebra<Complex>)

}  // namespace fastcca
