// BLAS and LAPACK from SciPy: the Cython modules publish C function pointers in capsules whose
// names are the C signatures.
#include "bindings/lapack_capsules.hpp"

#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace fastcca {

namespace {

struct State {
  LapackTable table;
  std::string error = "LAPACK was not loaded";
};

State& state() {
  static State s;
  return s;
}

template <class F>
void load(const py::dict& capsules, const char* name, F*& pointer) {
  const py::capsule capsule = capsules[name];
  const std::string signature = capsule.name();
  // All integers of the interface are pointers, and the signature names their type.
  if (signature.find(", int *") == std::string::npos) {
    throw py::import_error("SciPy's LAPACK takes integers that are not 32 bits wide (" +
                           std::string(name) + ": " + signature + ")");
  }
  pointer = reinterpret_cast<F*>(capsule.get_pointer<void>());
}

}  // namespace

std::string load_lapack() {
  State& s = state();
  try {
    LapackTable table;
    const py::dict blas = py::module_::import("scipy.linalg.cython_blas").attr("__pyx_capi__");
    const py::dict lapack = py::module_::import("scipy.linalg.cython_lapack").attr("__pyx_capi__");
    load(blas, "dgemm", table.real.gemm);
    load(blas, "dgemv", table.real.gemv);
    load(blas, "dtrsm", table.real.trsm);
    load(blas, "dtrsv", table.real.trsv);
    load(blas, "dsyrk", table.real.syrk);
    load(lapack, "dpotrf", table.real.potrf);
    load(lapack, "dtpqrt", table.real.tpqrt);
    load(lapack, "dsytrd", table.real.sytrd);
    load(lapack, "dsterf", table.real.sterf);
    load(lapack, "dstein", table.real.stein);
    load(lapack, "dstemr", table.real.stemr);
    load(lapack, "dormtr", table.real.ormtr);
    load(lapack, "dsyevd", table.real.syevd);
    load(lapack, "dsyev", table.real.syev);
    load(lapack, "dgesdd", table.real.gesdd);
    load(lapack, "dgesvd", table.real.gesvd);
    load(blas, "zgemm", table.complex.gemm);
    load(blas, "zgemv", table.complex.gemv);
    load(blas, "ztrsm", table.complex.trsm);
    load(blas, "ztrsv", table.complex.trsv);
    load(lapack, "zpotrf", table.complex.potrf);
    load(lapack, "zheevd", table.complex.heevd);
    load(lapack, "zheev", table.complex.heev);
    load(lapack, "zgesdd", table.complex.gesdd);
    load(lapack, "zgesvd", table.complex.gesvd);
    s.table = table;
    s.error.clear();
  } catch (const std::exception& error) {
    s.error = error.what();
  }
  return s.error;
}

const LapackTable& lapack_table() { return state().table; }

const std::string& lapack_error() { return state().error; }

}  // namespace fastcca
