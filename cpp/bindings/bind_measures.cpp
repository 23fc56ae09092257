#include "bindings/bindings.hpp"
#include "core/factor_measures.hpp"
#include "core/measures.hpp"

namespace fastcca {

namespace {

py::dict pls(const LockedMoments& moments, Index x, Index y, bool in_place) {
  require_usable();
  PlsSolution s = without_gil(moments, [&](const Moments& m) { return solve_pls(m, x, y); });
  py::dict out;
  out["singular_values"] = to_numpy(s.singular_values);
  out["x_weights"] = to_python<double>(moments.backend(), std::move(s.x_weights), in_place);
  out["y_weights"] = to_python<double>(moments.backend(), std::move(s.y_weights), in_place);
  return out;
}

py::dict to_dict(const Backend& backend, PrincipalAxes axes, bool in_place) {
  py::dict out;
  out["variances"] = to_numpy(axes.variances);
  out["axes"] = to_python<double>(backend, std::move(axes.axes), in_place);
  out["rank"] = axes.real.size();
  return out;
}

py::dict pca(const LockedMoments& moments, Index block, double rank_tolerance, bool in_place) {
  require_usable();
  return to_dict(moments.backend(),
                 without_gil(moments,
                             [&](const Moments& m) {
                               const LinearAlgebra<double>& algebra = m.backend();
                               BlockCovariance covariance = covariance_of(m, block);
                               covariance.rank_tolerance = rank_tolerance;
                               return principal_axes(algebra, covariance);
                             }),
                 in_place);
}

py::dict pca_of_factor(const LockedFactor& factor, Index block, double rank_tolerance,
                       bool in_place) {
  require_usable();
  return to_dict(
      factor.backend(),
      without_gil(factor,
                  [&](const QrFactor& f) { return principal_axes(f, block, rank_tolerance); }),
      in_place);
}

// Content is Moments or QrFactor.
template <class Content, class State>
py::dict regression(const Locked<State>& state, Index x, Index y, double rank_tolerance) {
  require_usable();
  return to_dict(without_gil(
      state, [&](const Content& held) { return linear_regression(held, x, y, rank_tolerance); }));
}

template <double (*kMeasure)(const Moments&, Index, Index)>
double number(const LockedMoments& moments, Index x, Index y) {
  require_usable();
  return without_gil(moments, [&](const Moments& m) { return kMeasure(m, x, y); });
}

}  // namespace

py::dict to_dict(const Regression& regression) {
  py::dict out;
  out["r2"] = regression.r2;
  out["x_condition"] = regression.x_condition;
  out["x_undecided"] = regression.x_undecided;
  return out;
}

void bind_measures(py::module_& m) {
  m.def("solve_pls", &pls, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("in_place") = false);
  m.def("solve_pca", &pca, py::arg("moments"), py::arg("block"), py::arg("rank_tolerance") = 0.0,
        py::arg("in_place") = false);
  m.def("solve_pca_of_factor", &pca_of_factor, py::arg("factor"), py::arg("block"),
        py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false);
  m.def("linear_cka", &number<linear_cka>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("procrustes", &number<procrustes>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("linear_regression", &regression<Moments, StagedMoments>, py::arg("moments"), py::arg("x"),
        py::arg("y"), py::arg("rank_tolerance") = 0.0);
  m.def("linear_regression_of_factor", &regression<QrFactor, QrFactor>, py::arg("factor"),
        py::arg("x"), py::arg("y"), py::arg("rank_tolerance") = 0.0);
}

}  // namespace fastcca
