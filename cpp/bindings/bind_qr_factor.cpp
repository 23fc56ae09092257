#include "bindings/bindings.hpp"
#include "core/factor_measures.hpp"

namespace fastcca {

namespace {

void update(LockedFactor& self, const std::vector<std::string>& names,
            const std::vector<py::object>& arrays,
            const std::optional<std::vector<std::string>>& precisions, int threads) {
  require_usable();
  const std::vector<ArrayView> views = views_of(self.backend(), names, arrays, precisions);
  without_gil(self, [&](QrFactor& f) { f.update(names, views, threads); });
}

std::unique_ptr<LockedFactor> restore(Index n, const std::vector<std::string>& names,
                                      const std::vector<DoubleVector>& means,
                                      const std::vector<std::string>& precisions,
                                      const DoubleMatrix& factor, int device) {
  const Backend& backend = backend_on(device);
  return std::make_unique<LockedFactor>(QrFactor::restore(
      backend, n, blocks_of(names, means, precisions), to_matrix<double>(backend, factor)));
}

}  // namespace

void bind_qr_factor(py::module_& module) {
  py::class_<LockedFactor> factor(module, "QrFactor", py::module_local());
  factor
      .def(py::init([](int device) {
             return std::make_unique<LockedFactor>(QrFactor(backend_on(device)));
           }),
           py::arg("device") = 0)
      .def_static("restore", &restore, py::arg("n_samples"), py::arg("names"), py::arg("means"),
                  py::arg("precisions"), py::arg("factor"), py::arg("device") = 0)
      .def("update", &update, py::arg("names"), py::arg("arrays"), py::arg("precisions"),
           py::arg("threads"))
      .def("moments",
           [](const LockedFactor& self) {
             require_usable();
             return std::make_unique<LockedMoments>(without_gil(self, &moments_of));
           })
      .def_property_readonly("factor", [](const LockedFactor& self) {
        const Matrix copy =
            without_gil(self, [](const QrFactor& f) { return f.backend().copy(f.factor()); });
        return to_numpy<double>(self.backend(), copy);
      });
  bind_state<QrFactor>(factor);
}

}  // namespace fastcca
