// Second passes over samples: debiased CKA, and measures of rearranged samples.
#include "bindings/bindings.hpp"
#include "core/debiased_cka.hpp"
#include "core/permuted_products.hpp"
#include "core/projection_weights.hpp"

namespace fastcca {

namespace {

using Order = py::array_t<Index, py::array::c_style | py::array::forcecast>;

std::span<const Index> span_of(const Order& order) {
  return {order.data(), static_cast<std::size_t>(order.size())};
}

ArrayView view_of(const Backend& backend, const py::object& array, const std::string& name) {
  return views_of(backend, {name}, {array}, std::nullopt)[0];
}

// A copy of an array, wherever it lies.
Matrix matrix_of(const Backend& backend, const py::object& array, const std::string& name) {
  const ArrayView view = view_of(backend, array, name);
  const std::vector<double> zeros(static_cast<std::size_t>(view.cols), 0.0);
  return without_gil(
      [&] { return backend.transposed(backend.read_samples(view, 0, view.rows, zeros)); });
}

void add(SampleCoordinates& self, const py::object& samples) {
  const ArrayView view = view_of(self.backend(), samples, "samples");
  without_gil([&] { self.add(view); });
}

SampleCoordinates times_weights(Index n, const DoubleVector& mean, const py::object& weights,
                                int device) {
  require_usable();
  const Backend& backend = backend_on(device);
  return {backend, n, to_vector(mean), matrix_of(backend, weights, "weights")};
}

SampleCoordinates centred(const LockedMoments& moments, Index block) {
  return without_gil(moments, [&](const Moments& m) { return SampleCoordinates(m, block); });
}

// Samples that are in coordinates of their own already.
SampleCoordinates as_given(const py::object& samples, int device) {
  const Backend& backend = backend_on(device);
  const ArrayView view = view_of(backend, samples, "samples");
  SampleCoordinates out(backend, view.rows,
                        std::vector<double>(static_cast<std::size_t>(view.cols), 0.0),
                        index_range(view.cols));
  add(out, samples);
  return out;
}

ProductStatistic statistic_named(const std::string& name) {
  const std::map<std::string, ProductStatistic> names{
      {"sum_of_squares", ProductStatistic::kSumOfSquares},
      {"nuclear_norm", ProductStatistic::kNuclearNorm},
      {"weighted_by_x", ProductStatistic::kWeightedByX},
      {"weighted_by_both", ProductStatistic::kWeightedByBoth}};
  if (const auto found = names.find(name); found != names.end()) {
    return found->second;
  }
  throw py::value_error("of a product there is no '" + name + "'");
}

PermutedUnits units_of(const Order& samples, Index unit_size) {
  const auto span = span_of(samples);
  return {{span.begin(), span.end()}, unit_size};
}

PermutedProducts products(const SampleCoordinates& x, const SampleCoordinates& y,
                          const Order& samples, Index unit_size, const std::string& statistic,
                          std::pair<double, double> scales,
                          const std::vector<py::object>& loadings) {
  require_usable();
  PermutedProducts::Block of_x{&x, scales.first, {}};
  PermutedProducts::Block of_y{&y, scales.second, {}};
  if (loadings.size() == 2) {
    of_x.loadings = matrix_of(x.backend(), loadings[0], "x's loadings");
    of_y.loadings = matrix_of(x.backend(), loadings[1], "y's loadings");
  }
  PermutedUnits units = units_of(samples, unit_size);
  return without_gil([&] {
    return PermutedProducts(std::move(of_x), std::move(of_y), std::move(units),
                            statistic_named(statistic));
  });
}

PermutedGrams grams(const py::object& x, const py::object& y, const Order& samples, Index unit_size,
                    int device) {
  const Backend& backend = backend_on(device);
  const Matrix of_x = matrix_of(backend, x, "x");
  const Matrix of_y = matrix_of(backend, y, "y");
  PermutedUnits units = units_of(samples, unit_size);
  return without_gil([&] { return PermutedGrams(backend, of_x, of_y, std::move(units)); });
}

template <class Permuted>
double value(const Permuted& self, const Order& order) {
  return without_gil([&] { return self.value(span_of(order)); });
}

DebiasedCka debiased_cka(const LockedMoments& moments, Index x, Index y) {
  return without_gil(moments, [&](const Moments& m) { return DebiasedCka(m, x, y); });
}

void add_pair(DebiasedCka& self, const py::object& x, const py::object& y, int threads) {
  const auto views = views_of(self.backend(), {"x", "y"}, {x, y}, std::nullopt);
  without_gil([&] { self.add(views[0], views[1], threads); });
}

DoubleVector weights_of(const py::object& loadings, const DoubleVector& correlations, int device) {
  require_usable();
  const LinearAlgebra<double>& algebra = backend_on(device);
  const Matrix matrix = matrix_of(backend_on(device), loadings, "loadings");
  const std::vector<double> values = to_vector(correlations);
  return to_numpy(without_gil([&] { return projection_weights(algebra, matrix, values); }));
}

}  // namespace

void bind_resampling(py::module_& m) {
  py::class_<SampleCoordinates>(m, "SampleCoordinates", py::module_local())
      .def(py::init(&times_weights), py::arg("n_samples"), py::arg("mean"), py::arg("weights"),
           py::arg("device") = 0)
      .def_static("centred", &centred, py::arg("moments"), py::arg("block"))
      .def_static("as_given", &as_given, py::arg("samples"), py::arg("device") = 0)
      .def("add", &add, py::arg("samples"))
      .def_property_readonly("dimensions",
                             [](const SampleCoordinates& self) { return self.values().rows(); })
      .def("norms", [](const SampleCoordinates& self) {
        require_usable();
        return without_gil([&] { return self.norms(); });
      });
  py::class_<PermutedProducts>(m, "PermutedProducts", py::module_local())
      .def(py::init(&products), py::arg("x"), py::arg("y"), py::arg("samples"),
           py::arg("unit_size"), py::arg("statistic"), py::arg("scales") = std::pair(1.0, 1.0),
           py::arg("loadings") = std::vector<py::object>())
      .def("value", &value<PermutedProducts>, py::arg("order"));
  py::class_<PermutedGrams>(m, "PermutedGrams", py::module_local())
      .def(py::init(&grams), py::arg("x"), py::arg("y"), py::arg("samples"), py::arg("unit_size"),
           py::arg("device") = 0)
      .def("value", &value<PermutedGrams>, py::arg("order"));
  py::class_<DebiasedCka>(m, "DebiasedCka", py::module_local())
      .def(py::init(&debiased_cka), py::arg("moments"), py::arg("x"), py::arg("y"))
      .def("add", &add_pair, py::arg("x"), py::arg("y"), py::arg("threads") = 0)
      .def("value", &DebiasedCka::value);
  m.def("projection_weights", &weights_of, py::arg("loadings"), py::arg("correlations"),
        py::arg("device") = 0);
}

}  // namespace fastcca
