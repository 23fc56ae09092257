#include "bindings/bindings.hpp"
#include "cpu/threads.hpp"

namespace fastcca {

namespace {

Precision precision_named(const std::string& name) {
  for (const Precision p : kPrecisions) {
    if (name == name_of(p)) {
      return p;
    }
  }
  throw py::value_error("unknown precision '" + name + "' in stored moments");
}

// `precisions`, one for each block, where values were computed from coarser ones.
void update(LockedMoments& self, const std::vector<std::string>& names,
            const std::vector<py::array>& arrays,
            const std::optional<std::vector<std::string>>& precisions) {
  if (names.size() != arrays.size()) {
    throw py::value_error("update got " + std::to_string(names.size()) + " names for " +
                          std::to_string(arrays.size()) + " arrays");
  }
  std::vector<ArrayView> views;
  for (std::size_t i = 0; i < names.size(); ++i) {
    views.push_back(view_of(arrays[i], names[i]));
    if (precisions) {
      views[i].rounded_to = precision_named(precisions->at(i));
    }
  }
  without_gil(self, [&](Moments& m) { m.update(names, views); });
}

// One batch for each of several states, a state per thread at a time.
void update_many(const std::vector<LockedMoments*>& states, const std::vector<std::string>& names,
                 const std::vector<std::vector<py::array>>& batches,
                 const std::vector<std::string>& precisions) {
  std::vector<std::vector<ArrayView>> views;
  for (const auto& arrays : batches) {
    auto& of_state = views.emplace_back();
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      of_state.push_back(view_of(arrays[i], names.at(i)));
      of_state[i].rounded_to = precision_named(precisions.at(i));
    }
  }
  if (views.size() != states.size()) {
    throw py::value_error("update_many got " + std::to_string(batches.size()) + " batches for " +
                          std::to_string(states.size()) + " states");
  }
  const py::gil_scoped_release release;
  for_each_on_threads(num_threads(), states.size(), [&](std::size_t i) {
    const std::lock_guard<std::mutex> guard(states[i]->mutex);
    states[i]->moments.update(names, views[i], 1);
  });
}

Index checked(const Moments& m, Index i) {
  if (i < 0 || i >= m.block_count()) {
    throw py::index_error("there is no block " + std::to_string(i) + ", only " +
                          std::to_string(m.block_count()));
  }
  return i;
}

DoubleMatrix scatter(const LockedMoments& self, Index i, Index j) {
  const std::scoped_lock guard(self.mutex);
  const Moments& m = self.moments;
  checked(m, i);
  checked(m, j);
  return j <= i ? to_numpy<double>(m.backend(), m.scatter(i, j))
                : to_numpy<double>(m.backend(), m.backend().transposed(m.scatter(j, i)));
}

std::unique_ptr<LockedMoments> restore(Index n, const std::vector<std::string>& names,
                                       const std::vector<DoubleVector>& means,
                                       const std::vector<std::string>& precisions,
                                       const std::vector<std::vector<DoubleMatrix>>& scatter) {
  if (means.size() != names.size() || precisions.size() != names.size()) {
    throw py::value_error("the stored moments name other blocks than they describe");
  }
  const CpuBackend& backend = cpu_backend();
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < names.size(); ++i) {
    blocks.push_back({names[i], to_vector(means[i]), precision_named(precisions[i])});
  }
  std::vector<std::vector<Matrix>> tiles;
  for (const auto& row : scatter) {
    auto& out = tiles.emplace_back();
    for (const auto& tile : row) {
      out.push_back(to_matrix<double>(backend, tile));
    }
  }
  return std::make_unique<LockedMoments>(
      Moments::restore(backend, n, std::move(blocks), std::move(tiles)));
}

}  // namespace

void bind_moments(py::module_& module) {
  module.def("update_many", &update_many, py::arg("states"), py::arg("names"), py::arg("batches"),
             py::arg("precisions"));
  py::class_<LockedMoments>(module, "Moments")
      .def(py::init([] { return std::make_unique<LockedMoments>(Moments(cpu_backend())); }))
      .def_static("restore", &restore, py::arg("n_samples"), py::arg("names"), py::arg("means"),
                  py::arg("precisions"), py::arg("scatter"))
      .def("update", &update, py::arg("names"), py::arg("arrays"),
           py::arg("precisions") = py::none())
      .def(
          "merge",
          [](LockedMoments& self, const LockedMoments& other) {
            // A copy first: two objects merged into each other must not wait for each other.
            const Moments copy = without_gil(other, [](const Moments& m) { return m.clone(); });
            without_gil(self, [&](Moments& m) { m.merge(copy); });
          },
          py::arg("other"))
      .def("clone",
           [](const LockedMoments& self) {
             return std::make_unique<LockedMoments>(
                 without_gil(self, [](const Moments& m) { return m.clone(); }));
           })
      .def_property_readonly("n_samples",
                             [](const LockedMoments& self) {
                               const std::scoped_lock guard(self.mutex);
                               return self.moments.n_samples();
                             })
      .def_property_readonly("block_names",
                             [](const LockedMoments& self) {
                               const std::scoped_lock guard(self.mutex);
                               std::vector<std::string> names;
                               for (Index i = 0; i < self.moments.block_count(); ++i) {
                                 names.push_back(self.moments.block(i).name);
                               }
                               return names;
                             })
      .def(
          "mean",
          [](const LockedMoments& self, Index i) {
            const std::scoped_lock guard(self.mutex);
            return to_numpy(self.moments.block(checked(self.moments, i)).mean);
          },
          py::arg("block"))
      .def(
          "precision",
          [](const LockedMoments& self, Index i) {
            const std::scoped_lock guard(self.mutex);
            return std::string(name_of(self.moments.block(checked(self.moments, i)).precision));
          },
          py::arg("block"))
      .def("scatter", &scatter, py::arg("row_block"), py::arg("col_block"))
      .def_property_readonly_static("format_version",
                                    [](const py::object&) { return Moments::kFormatVersion; });
}

}  // namespace fastcca
