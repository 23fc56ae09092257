#include "bindings/bindings.hpp"
#include "bindings/facts.hpp"
#include "core/factor_measures.hpp"
#include "core/measures.hpp"

namespace fastcca {

namespace {

py::dict pls(const LockedMoments& moments, Index x, Index y, bool in_place) {
  require_usable();
  auto [s, facts] = without_gil(moments, [&](const Moments& m) {
    return std::pair(solve_pls(m, x, y), facts_of(m, {{x, {}}, {y, {}}}));
  });
  py::dict out;
  out["singular_values"] = to_numpy(s.singular_values);
  out["x_weights"] = to_python<double>(moments.backend(), std::move(s.x_weights), in_place);
  out["y_weights"] = to_python<double>(moments.backend(), std::move(s.y_weights), in_place);
  add_facts(out, facts);
  return out;
}

// Content is Moments or QrFactor.
template <class Content, class State>
py::dict pca(const Locked<State>& state, Index block, double rank_tolerance, bool in_place) {
  require_usable();
  auto [axes, facts] = without_gil(state, [&](const Content& content) {
    return std::pair(principal_axes(content, block, rank_tolerance),
                     facts_of(content, {{block, {}}}));
  });
  py::dict out;
  out["variances"] = to_numpy(axes.variances);
  out["axes"] = to_python<double>(state.backend(), std::move(axes.axes), in_place);
  out["rank"] = axes.real.size();
  add_facts(out, facts, {""});
  return out;
}

template <class Content, class State>
py::dict regression(const Locked<State>& state, Index x, Index y, double rank_tolerance) {
  require_usable();
  const auto [solution, facts] = without_gil(state, [&](const Content& content) {
    return std::pair(linear_regression(content, x, y, rank_tolerance),
                     facts_of(content, {{x, {}}, {y, {}}}));
  });
  py::dict out = to_dict(solution);
  add_facts(out, facts);
  return out;
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
  m.def("solve_pca", &pca<Moments, StagedMoments>, py::arg("moments"), py::arg("block"),
        py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false);
  m.def("solve_pca_of_factor", &pca<QrFactor, QrFactor>, py::arg("factor"), py::arg("block"),
        py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false);
  m.def("linear_cka", &number<linear_cka>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("procrustes", &number<procrustes>, py::arg("moments"), py::arg("x"), py::arg("y"));
  m.def("linear_regression", &regression<Moments, StagedMoments>, py::arg("moments"), py::arg("x"),
        py::arg("y"), py::arg("rank_tolerance") = 0.0);
  m.def("linear_regression_of_factor", &regression<QrFactor, QrFactor>, py::arg("factor"),
        py::arg("x"), py::arg("y"), py::arg("rank_tolerance") = 0.0);
}

}  // namespace fastcca
