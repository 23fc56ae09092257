#include <Eigen/Core>

#include "bindings/bindings.hpp"
#include "bindings/lapack_capsules.hpp"
#include "cpu/simd.hpp"
#include "cpu/threads.hpp"

namespace fastcca {

namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

py::dict build_config() {
  py::dict out;
  out["version"] = FASTCCA_VERSION;
  out["compiler"] = compiler();
  out["build_type"] = FASTCCA_BUILD_TYPE;
  out["eigen"] = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
                 "." + std::to_string(EIGEN_MINOR_VERSION);
  out["simd"] = std::string(simd::level().name);
  out["threads"] = num_threads();
  out["lapack_usable"] = lapack_error().empty();
  out["lapack_error"] = lapack_error();
  out["lapack_integer_bits"] = lapack_error().empty() ? 32 : 0;
  return out;
}

}  // namespace

void bind_config(py::module_& m) {
  m.def("build_config", &build_config);
  m.def("lapack_error", &lapack_error);
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("k"));
}

}  // namespace fastcca
