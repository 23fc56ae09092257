#include "cpu/tridiagonal.hpp"

#include "core/interrupt.hpp"
#include "cpu/lapack_calls.hpp"

namespace fastcca {

using namespace lapack_calls;

namespace {

// Inverse iteration makes each vector orthogonal to those before it whose eigenvalues are near,
// which costs n count^2: for up to one vector in so many less than relatively robust
// representations, which begin with eigenvalues of their own.
constexpr int kFew = 8;

}  // namespace

Tridiagonalized::Tridiagonalized(const RealRoutines& routines, Index n, double* a)
    : routines_(routines),
      n_(to_int(n, "dsytrd")),
      reflectors_(a),
      d_(workspace_of<double>(static_cast<std::size_t>(n))),
      e_(d_),
      scales_(d_) {
  throw_if_interrupted();
  int info = 0;
  run_with_workspace<double>("dsytrd", [&](double* work, int lwork) {
    call(routines_.sytrd, 'L', n_, a, leading(n_), d_.data(), e_.data(), scales_.data(), work,
         lwork, &info);
  });
  if (info != 0) {
    fail("dsytrd", info);
  }
}

std::optional<std::vector<double>> Tridiagonalized::eigenvalues() const {
  throw_if_interrupted();
  std::vector<double> values = d_;
  std::vector<double> e = e_;
  int info = 0;
  call(routines_.sterf, n_, values.data(), e.data(), &info);
  if (info != 0) {
    return std::nullopt;
  }
  return values;
}

std::optional<std::vector<double>> Tridiagonalized::eigenvectors(
    const std::vector<double>& eigenvalues, Index count) const {
  throw_if_interrupted();
  const int vector_count = to_int(count, "dormtr");
  auto vectors = workspace_of<double>(d_.size() * static_cast<std::size_t>(count));
  const bool few = vector_count <= n_ / kFew;
  if (!(few && by_inverse_iteration(eigenvalues, vectors.data(), vector_count)) &&
      !by_relatively_robust_representations(vectors.data(), vector_count)) {
    return std::nullopt;
  }
  rotate(vectors, vector_count);
  return vectors;
}

bool Tridiagonalized::by_inverse_iteration(const std::vector<double>& eigenvalues, double* vectors,
                                           int count) const {
  // T is one block, also where an entry beside its diagonal is zero.
  const std::vector<int> block_of(static_cast<std::size_t>(count), 1);
  const std::vector<int> block_end{n_};
  int info = 0;
  call(routines_.stein, n_, d_.data(), e_.data(), count, eigenvalues.data(), block_of.data(),
       block_end.data(), vectors, n_, array<double>(5 * n_).data(), array<int>(n_).data(),
       array<int>(count).data(), &info);
  return info == 0;
}

bool Tridiagonalized::by_relatively_robust_representations(double* vectors, int count) const {
  std::vector<double> d = d_;
  std::vector<double> e = e_;
  const double unused = 0.0;
  const int first = 1;
  const int high_accuracy = 1;
  const int lwork = 18 * n_;
  const int liwork = 10 * n_;
  int found = 0;
  int info = 0;
  call(routines_.stemr, 'V', 'I', n_, d.data(), e.data(), unused, unused, first, count, &found,
       array<double>(n_).data(), vectors, n_, count, array<int>(2 * count).data(), high_accuracy,
       array<double>(lwork).data(), lwork, array<int>(liwork).data(), liwork, &info);
  return info == 0 && found == count;
}

// Makes eigenvectors of T those of the matrix.
void Tridiagonalized::rotate(std::vector<double>& vectors, int count) const {
  // dormtr leaves the triangular factors of blocks of reflectors out of the size that it reports,
  // and goes on without blocks where they have no room.
  constexpr int kTriangularFactors = 65 * 64;
  int info = 0;
  run_with_workspace<double>(
      "dormtr",
      [&](double* work, int lwork) {
        call(routines_.ormtr, 'L', 'L', 'N', n_, count, reflectors_, n_, scales_.data(),
             vectors.data(), n_, work, lwork, &info);
      },
      kTriangularFactors);
  if (info != 0) {
    fail("dormtr", info);
  }
}

}  // namespace fastcca
