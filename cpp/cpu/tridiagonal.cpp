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
  char lower = 'L';
  int lda = leading(n_);
  int query = -1;
  int info = 0;
  double reported = 0.0;
  routines_.sytrd(&lower, &n_, a, &lda, d_.data(), e_.data(), scales_.data(), &reported, &query,
                  &info);
  int lwork = workspace(reported, "dsytrd");
  auto work = array<double>(lwork);
  routines_.sytrd(&lower, &n_, a, &lda, d_.data(), e_.data(), scales_.data(), work.data(), &lwork,
                  &info);
  if (info != 0) {
    fail("dsytrd", info);
  }
}

std::optional<std::vector<double>> Tridiagonalized::eigenvalues() const {
  throw_if_interrupted();
  std::vector<double> values = d_;
  std::vector<double> e = e_;
  int n = n_;
  int info = 0;
  routines_.sterf(&n, values.data(), e.data(), &info);
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
  int n = n_;
  auto work = array<double>(5 * n);
  auto iwork = array<int>(n);
  auto failed = array<int>(count);
  int info = 0;
  routines_.stein(&n, unconst(d_.data()), unconst(e_.data()), &count, unconst(eigenvalues.data()),
                  unconst(block_of.data()), unconst(block_end.data()), vectors, &n, work.data(),
                  iwork.data(), failed.data(), &info);
  return info == 0;
}

bool Tridiagonalized::by_relatively_robust_representations(double* vectors, int count) const {
  std::vector<double> d = d_;
  std::vector<double> e = e_;
  int n = n_;
  auto values = workspace_of<double>(d.size());
  auto support = array<int>(2 * count);
  char with_vectors = 'V';
  char by_index = 'I';
  double unused = 0.0;
  int first = 1;
  int found = 0;
  int high_accuracy = 1;
  int lwork = 18 * n;
  int liwork = 10 * n;
  auto work = array<double>(lwork);
  auto iwork = array<int>(liwork);
  int info = 0;
  routines_.stemr(&with_vectors, &by_index, &n, d.data(), e.data(), &unused, &unused, &first,
                  &count, &found, values.data(), vectors, &n, &count, support.data(),
                  &high_accuracy, work.data(), &lwork, iwork.data(), &liwork, &info);
  return info == 0 && found == count;
}

// From eigenvectors of T to those of the matrix.
void Tridiagonalized::rotate(std::vector<double>& vectors, int count) const {
  // dormtr leaves the triangular factors of blocks of reflectors out of the size that it reports,
  // and goes on without blocks where they have no room.
  constexpr int kTriangularFactors = 65 * 64;
  char left = 'L';
  char lower = 'L';
  char plain = 'N';
  int n = n_;
  int query = -1;
  int info = 0;
  double reported = 0.0;
  const auto ormtr = [&](double* area, int* area_size) {
    routines_.ormtr(&left, &lower, &plain, &n, &count, unconst(reflectors_), &n,
                    unconst(scales_.data()), vectors.data(), &n, area, area_size, &info);
  };
  ormtr(&reported, &query);
  int lwork = workspace(reported + kTriangularFactors, "dormtr");
  auto work = array<double>(lwork);
  ormtr(work.data(), &lwork);
  if (info != 0) {
    fail("dormtr", info);
  }
}

}  // namespace fastcca
