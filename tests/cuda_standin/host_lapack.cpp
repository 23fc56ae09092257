#include "host_lapack.hpp"

#include <dlfcn.h>

#include <algorithm>

#include "failures.hpp"

namespace standin::host {
namespace {

using Length = std::size_t;  // Fortran passes the length of every character argument at the end

void* library() {
  static void* const handle = [] {
    void* opened = dlopen(FASTCCA_STANDIN_LAPACK, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (opened == nullptr) die("the host's LAPACK cannot be loaded: %s", dlerror());
    return opened;
  }();
  return handle;
}

template <class T>
int rounded(T size) {
  return static_cast<int>(std::real(size)) + 1;
}

}  // namespace

void* symbol(const std::string& routine) {
  const std::string name = FASTCCA_STANDIN_LAPACK_PREFIX + routine + "_";
  void* found = dlsym(library(), name.c_str());
  if (found == nullptr) die("the host's LAPACK has no %s", name.c_str());
  return found;
}

template <class T>
void gemm(char trans_a, char trans_b, int m, int n, int k, T alpha, const T* a, int lda, const T* b,
          int ldb, T beta, T* c, int ldc) {
  static auto* const function =
      routine<T, void(const char*, const char*, const int*, const int*, const int*, const T*,
                      const T*, const int*, const T*, const int*, const T*, T*, const int*, Length,
                      Length)>("gemm", "gemm");
  function(&trans_a, &trans_b, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc, 1, 1);
}

template <class T>
void syrk(char uplo, char trans, int n, int k, Real<T> alpha, const T* a, int lda, Real<T> beta,
          T* c, int ldc) {
  static auto* const function =
      routine<T, void(const char*, const char*, const int*, const int*, const Real<T>*, const T*,
                      const int*, const Real<T>*, T*, const int*, Length, Length)>("syrk", "herk");
  function(&uplo, &trans, &n, &k, &alpha, a, &lda, &beta, c, &ldc, 1, 1);
}

template <class T>
void trsm(char side, char uplo, char trans, char diag, int m, int n, T alpha, const T* a, int lda,
          T* b, int ldb) {
  static auto* const function =
      routine<T, void(const char*, const char*, const char*, const char*, const int*, const int*,
                      const T*, const T*, const int*, T*, const int*, Length, Length, Length,
                      Length)>("trsm", "trsm");
  function(&side, &uplo, &trans, &diag, &m, &n, &alpha, a, &lda, b, &ldb, 1, 1, 1, 1);
}

template <class T>
int potrf(char uplo, int n, T* a, int lda) {
  static auto* const function =
      routine<T, void(const char*, const int*, T*, const int*, int*, Length)>("potrf", "potrf");
  int info = 0;
  function(&uplo, &n, a, &lda, &info, 1);
  return info;
}

template <class T>
int syevd(char jobz, char uplo, int n, T* a, int lda, Real<T>* w) {
  const int query = -1;
  int info = 0;
  int integers = 0;
  T size{};
  if constexpr (std::is_same_v<T, Complex>) {
    static auto* const function =
        routine<T, void(const char*, const char*, const int*, T*, const int*, double*, T*,
                        const int*, double*, const int*, int*, const int*, int*, Length, Length)>(
            "", "heevd");
    double reals = 0.0;
    function(&jobz, &uplo, &n, a, &lda, w, &size, &query, &reals, &query, &integers, &query, &info,
             1, 1);
    std::vector<T> work(static_cast<std::size_t>(rounded(size)));
    std::vector<double> real_work(static_cast<std::size_t>(rounded(reals)));
    std::vector<int> integer_work(static_cast<std::size_t>(std::max(1, integers)));
    const int sizes[] = {static_cast<int>(work.size()), static_cast<int>(real_work.size()),
                         static_cast<int>(integer_work.size())};
    function(&jobz, &uplo, &n, a, &lda, w, work.data(), &sizes[0], real_work.data(), &sizes[1],
             integer_work.data(), &sizes[2], &info, 1, 1);
  } else {
    static auto* const function =
        routine<T, void(const char*, const char*, const int*, T*, const int*, T*, T*, const int*,
                        int*, const int*, int*, Length, Length)>("syevd", "");
    function(&jobz, &uplo, &n, a, &lda, w, &size, &query, &integers, &query, &info, 1, 1);
    std::vector<T> work(static_cast<std::size_t>(rounded(size)));
    std::vector<int> integer_work(static_cast<std::size_t>(std::max(1, integers)));
    const int sizes[] = {static_cast<int>(work.size()), static_cast<int>(integer_work.size())};
    function(&jobz, &uplo, &n, a, &lda, w, work.data(), &sizes[0], integer_work.data(), &sizes[1],
             &info, 1, 1);
  }
  return info;
}

template <class T>
int gesvd(char jobu, char jobvt, int m, int n, T* a, int lda, Real<T>* s, T* u, int ldu, T* vt,
          int ldvt) {
  const int query = -1;
  int info = 0;
  T size{};
  if constexpr (std::is_same_v<T, Complex>) {
    static auto* const function =
        routine<T, void(const char*, const char*, const int*, const int*, T*, const int*, double*,
                        T*, const int*, T*, const int*, T*, const int*, double*, int*, Length,
                        Length)>("", "gesvd");
    std::vector<double> real_work(static_cast<std::size_t>(5 * std::max(1, std::min(m, n))));
    function(&jobu, &jobvt, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, &size, &query, real_work.data(),
             &info, 1, 1);
    std::vector<T> work(static_cast<std::size_t>(rounded(size)));
    const int work_size = static_cast<int>(work.size());
    function(&jobu, &jobvt, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work.data(), &work_size,
             real_work.data(), &info, 1, 1);
  } else {
    static auto* const function =
        routine<T, void(const char*, const char*, const int*, const int*, T*, const int*, T*, T*,
                        const int*, T*, const int*, T*, const int*, int*, Length, Length)>("gesvd",
                                                                                           "");
    function(&jobu, &jobvt, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, &size, &query, &info, 1, 1);
    std::vector<T> work(static_cast<std::size_t>(rounded(size)));
    const int work_size = static_cast<int>(work.size());
    function(&jobu, &jobvt, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work.data(), &work_size, &info,
             1, 1);
  }
  return info;
}

template <class T>
int geqrf(int m, int n, T* a, int lda, T* tau) {
  static auto* const function =
      routine<T, void(const int*, const int*, T*, const int*, T*, T*, const int*, int*)>("geqrf",
                                                                                         "geqrf");
  const int query = -1;
  int info = 0;
  T size{};
  function(&m, &n, a, &lda, tau, &size, &query, &info);
  std::vector<T> work(static_cast<std::size_t>(rounded(size)));
  const int work_size = static_cast<int>(work.size());
  function(&m, &n, a, &lda, tau, work.data(), &work_size, &info);
  return info;
}

template <class T>
int orgqr(int m, int n, int k, T* a, int lda, const T* tau) {
  static auto* const function = routine<T, void(const int*, const int*, const int*, T*, const int*,
                                                const T*, T*, const int*, int*)>("orgqr", "ungqr");
  const int query = -1;
  int info = 0;
  T size{};
  function(&m, &n, &k, a, &lda, tau, &size, &query, &info);
  std::vector<T> work(static_cast<std::size_t>(rounded(size)));
  const int work_size = static_cast<int>(work.size());
  function(&m, &n, &k, a, &lda, tau, work.data(), &work_size, &info);
  return info;
}

template <class T>
int ormqr(char side, char trans, int m, int n, int k, const T* a, int lda, const T* tau, T* c,
          int ldc) {
  static auto* const function =
      routine<T, void(const char*, const char*, const int*, const int*, const int*, const T*,
                      const int*, const T*, T*, const int*, T*, const int*, int*, Length, Length)>(
          "ormqr", "unmqr");
  const int query = -1;
  int info = 0;
  T size{};
  function(&side, &trans, &m, &n, &k, a, &lda, tau, c, &ldc, &size, &query, &info, 1, 1);
  std::vector<T> work(static_cast<std::size_t>(rounded(size)));
  const int work_size = static_cast<int>(work.size());
  function(&side, &trans, &m, &n, &k, a, &lda, tau, c, &ldc, work.data(), &work_size, &info, 1, 1);
  return info;
}

#define FASTCCA_STANDIN_INSTANTIATE(T)                                                        \
  template void gemm(char, char, int, int, int, T, const T*, int, const T*, int, T, T*, int); \
  template void syrk(char, char, int, int, Real<T>, const T*, int, Real<T>, T*, int);         \
  template void trsm(char, char, char, char, int, int, T, const T*, int, T*, int);            \
  template int potrf(char, int, T*, int);                                                     \
  template int syevd(char, char, int, T*, int, Real<T>*);                                     \
  template int gesvd(char, char, int, int, T*, int, Real<T>*, T*, int, T*, int);              \
  template int geqrf(int, int, T*, int, T*);                                                  \
  template int orgqr(int, int, int, T*, int, const T*);                                       \
  template int ormqr(char, char, int, int, int, const T*, int, const T*, T*, int);

FASTCCA_STANDIN_INSTANTIATE(float)
FASTCCA_STANDIN_INSTANTIATE(double)
FASTCCA_STANDIN_INSTANTIATE(Complex)

}  // namespace standin::host
