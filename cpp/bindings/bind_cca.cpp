#include "bindings/bindings.hpp"
#include "core/cca.hpp"
#include "core/errors.hpp"
#include "core/symmetric_cca.hpp"

namespace fastcca {

namespace {

py::object weights_or_none(const Backend& backend, const std::optional<Matrix>& weights) {
  return weights ? py::object(to_numpy(backend, *weights)) : py::object(py::none());
}

py::dict solve(const LockedMoments& moments, Index x, Index y, double ridge, bool weights) {
  const CpuBackend& backend = solving_backend();
  const CcaSolution s = without_gil(
      moments, [&](const Moments& m) { return solve_cca(m, x, y, CcaOptions{ridge, weights}); });
  py::dict out;
  out["correlations"] = to_numpy(s.correlations);
  out["x_weights"] = weights_or_none(backend, s.x_weights);
  out["y_weights"] = weights_or_none(backend, s.y_weights);
  out["x_rank"] = s.x.rank;
  out["y_rank"] = s.y.rank;
  out["x_condition"] = s.x.condition;
  out["y_condition"] = s.y.condition;
  out["x_dead"] = to_numpy(s.x.dead);
  out["y_dead"] = to_numpy(s.y.dead);
  return out;
}

py::dict solve_symmetric(const DoubleMatrix& x_cov, const DoubleVector& x_mean, double x_epsilon,
                         const DoubleMatrix& y_cov, const DoubleVector& y_mean, double y_epsilon,
                         const DoubleMatrix& cross_cov, double epsilon) {
  const CpuBackend& backend = solving_backend();
  const Matrix xx = to_matrix(backend, x_cov);
  const Matrix yy = to_matrix(backend, y_cov);
  const Matrix xy = to_matrix(backend, cross_cov);
  const std::vector<double> mx = to_vector(x_mean);
  const std::vector<double> my = to_vector(y_mean);
  const auto square = [](const Matrix& a, const std::vector<double>& mean) {
    return a.rows() > 0 && a.rows() == a.cols() && a.rows() == static_cast<Index>(mean.size());
  };
  if (!square(xx, mx) || !square(yy, my) || xy.rows() != xx.rows() || xy.cols() != yy.rows()) {
    throw py::value_error("the covariances must have shapes (p, p), (q, q) and (p, q)");
  }
  SymmetricCca s;
  {
    const py::gil_scoped_release release;
    s = solve_symmetric_cca(backend, {&xx, 1.0, mx, x_epsilon}, {&yy, 1.0, my, y_epsilon}, xy,
                            epsilon);
  }
  py::dict out;
  out["u"] = to_numpy(backend, s.u);
  out["correlations"] = to_numpy(s.correlations);
  out["vt"] = to_numpy(backend, s.vt);
  out["x_inverse_sqrt"] = to_numpy(backend, s.x_inverse_sqrt);
  out["y_inverse_sqrt"] = to_numpy(backend, s.y_inverse_sqrt);
  out["x_rank"] = s.x_rank;
  out["y_rank"] = s.y_rank;
  return out;
}

}  // namespace

void bind_cca(py::module_& m) {
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      std::rethrow_exception(std::move(p));
    } catch (const DecompositionError& error) {
      py::set_error(py::module_::import("numpy.linalg").attr("LinAlgError"), error.what());
    }
  });
  m.def("solve_cca", &solve, py::arg("moments"), py::arg("x"), py::arg("y"), py::arg("ridge"),
        py::arg("weights"));
  m.def("solve_symmetric_cca", &solve_symmetric, py::arg("x_cov"), py::arg("x_mean"),
        py::arg("x_epsilon"), py::arg("y_cov"), py::arg("y_mean"), py::arg("y_epsilon"),
        py::arg("cross_cov"), py::arg("epsilon"));
}

}  // namespace fastcca
