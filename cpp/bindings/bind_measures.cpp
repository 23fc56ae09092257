#include "bindings/bindings.hpp"
#include "core/measures.hpp"

namespace fastcca {

namespace {

py::dict pls(const LockedMoments& moments, Index x, Index y) {
  const CpuBackend& backend = solving_backend();
  const PlsSolution s = without_gil(moments, [&](const Moments& m) { return solve_pls(m, x, y); });
  py::dict out;
  out["singular_values"] = to_numpy(s.singular_values);
  out["x_weights"] = to_numpy<double>(backend, s.x_weights);
  out["y_weights"] = to_numpy<double>(backend, s.y_weights);
  return out;
}

py::dict pca(const LockedMoments& moments, Index block) {
  const CpuBackend& backend = solving_backend();
  const PrincipalAxes axes = without_gil(moments, [&](const Moments& m) {
    const LinearAlgebra<double>& algebra = m.backend();
    return principal_axes(algebra, covariance_of(m, block));
  });
  py::dict out;
  out["variances"] = to_numpy(axes.variances);
  out["axes"] = to_numpy<double>(backend, axes.axes);
  out["rank"] = axes.real.size();
  return out;
}

template <double (*kMeasure)(const Moments&, Index, Index)>
double number(const LockedMoments& moments, Index x, Index y) {
  require_lapack();
  return without_gil(moments, [&](const Moments& m) { return kMeasure(m, x, y); });
}

}  // namespace

void bind_measures(py::module_& m) {
  m.def("solve_pls", &pls, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("solve_pca", &pca, py::arg("moments"), py::arg("block"));
  m.def("linear_cka", &number<linear_cka>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("procrustes", &number<procrustes>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("linear_regression_r2", &number<linear_regression_r2>, py::arg("moments"), py::arg("x"),
        py::arg("y"));
}

}  // namespace fastcca
