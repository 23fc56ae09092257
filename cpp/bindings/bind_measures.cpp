#include "bindings/results.hpp"
#include "core/factor_measures.hpp"

namespace fastcca {

namespace {

py::dict pls(const LockedMoments& moments, Index x, Index y, bool in_place) {
  return solved(moments, {{x, {}}, {y, {}}}, in_place,
                [&](const Moments& m) { return solve_pls(m, x, y); });
}

template <class State>
py::dict pca(const Locked<State>& state, Index block, double rank_tolerance, bool in_place) {
  return solved(state, {{block, {}}}, in_place, [&](const auto& content) {
    return principal_axes(content, block, rank_tolerance);
  });
}

template <class State>
py::dict regression(const Locked<State>& state, Index x, Index y, double rank_tolerance) {
  return solved(state, {{x, {}}, {y, {}}}, false, [&](const auto& content) {
    return linear_regression(content, x, y, rank_tolerance);
  });
}

template <double (*kMeasure)(const Moments&, Index, Index)>
double number(const LockedMoments& moments, Index x, Index y) {
  require_usable();
  return without_gil(moments, [&](const Moments& m) { return kMeasure(m, x, y); });
}

}  // namespace

void bind_measures(py::module_& m) {
  m.def("solve_pls", &pls, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("in_place") = false);
  m.def("solve_pca", &pca<StagedMoments>, py::arg("moments"), py::arg("block"),
        py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false);
  m.def("solve_pca_of_factor", &pca<QrFactor>, py::arg("factor"), py::arg("block"),
        py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false);
  m.def("linear_cka", &number<linear_cka>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("procrustes", &number<procrustes>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("linear_regression", &regression<StagedMoments>, py::arg("moments"), py::arg("x"),
        py::arg("y"), py::arg("rank_tolerance") = 0.0);
  m.def("linear_regression_of_factor", &regression<QrFactor>, py::arg("factor"), py::arg("x"),
        py::arg("y"), py::arg("rank_tolerance") = 0.0);
}

}  // namespace fastcca
