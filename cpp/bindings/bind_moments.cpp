#include <algorithm>

#include "bindings/bindings.hpp"

namespace fastcca {

namespace {

void update(LockedMoments& self, const std::vector<std::string>& names,
            const std::vector<py::object>& arrays,
            const std::optional<std::vector<std::string>>& precisions,
            const std::optional<std::vector<IndexPair>>& pairs) {
  const std::vector<ArrayView> views = views_of(self.backend(), names, arrays, precisions);
  const KeptPairs kept = pairs ? KeptPairs(static_cast<Index>(names.size()), *pairs) : KeptPairs();
  without_gil(self, [&](StagedMoments& m) { m.update(names, views, 0, kept); });
}

// Adds one batch to each of several states on one device, a state per thread at a time.
void update_many(const std::vector<LockedMoments*>& states, const std::vector<std::string>& names,
                 const std::vector<std::vector<py::object>>& batches,
                 const std::vector<std::string>& precisions) {
  if (batches.size() != states.size()) {
    throw py::value_error("update_many got " + std::to_string(batches.size()) + " batches for " +
                          std::to_string(states.size()) + " states");
  }
  if (states.empty()) {
    return;
  }
  const Backend& backend = states.front()->backend();
  std::vector<std::vector<ArrayView>> views;
  for (const auto& arrays : batches) {
    views.push_back(views_of(backend, names, arrays, precisions));
  }
  without_gil([&] {
    backend.for_each(0, states.size(), [&](std::size_t i) {
      states[i]->call([&](StagedMoments& m) { m.update_directly(names, views[i], 1); });
    });
  });
}

void check_blocks(Index i, Index j, Index count) {
  if (std::min(i, j) < 0 || std::max(i, j) >= count) {
    throw py::index_error("there is no scatter of blocks " + std::to_string(i) + " and " +
                          std::to_string(j) + " of " + std::to_string(count));
  }
}

bool keeps(const LockedMoments& self, Index i, Index j) {
  return without_gil(self, [i, j](const StagedMoments& m) {
    check_blocks(i, j, m.block_count());
    return m.kept()(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
  });
}

DoubleMatrix scatter(const LockedMoments& self, Index i, Index j) {
  const Matrix copy = without_gil(self, [i, j](const Moments& m) {
    check_blocks(i, j, m.block_count());
    return m.copy_of_cross(i, j);
  });
  return to_numpy<double>(self.backend(), copy);
}

using OptionalMatrix = std::optional<DoubleMatrix>;

Products products_of(bool single) { return single ? Products::kSingle : Products::kDouble; }

std::unique_ptr<LockedMoments> restore(Index n, const std::vector<std::string>& names,
                                       const std::vector<DoubleVector>& means,
                                       const std::vector<std::string>& precisions,
                                       const std::vector<std::vector<OptionalMatrix>>& scatter,
                                       bool single, int device) {
  const Backend& backend = backend_on(device);
  std::vector<std::vector<Matrix>> tiles;
  for (const auto& row : scatter) {
    auto& out = tiles.emplace_back();
    for (const auto& tile : row) {
      out.push_back(tile ? to_matrix<double>(backend, *tile) : Matrix());
    }
  }
  return std::make_unique<LockedMoments>(Moments::restore(
      backend, n, blocks_of(names, means, precisions), std::move(tiles), products_of(single)));
}

}  // namespace

void bind_moments(py::module_& module) {
  py::class_<LockedMoments> moments(module, "Moments", py::module_local());
  moments
      .def(py::init([](bool single, int device) {
             return std::make_unique<LockedMoments>(
                 Moments(backend_on(device), products_of(single)));
           }),
           py::arg("single") = false, py::arg("device") = 0)
      .def_property_readonly("single",
                             [](const LockedMoments& self) {
                               return without_gil(self, &StagedMoments::products) ==
                                      Products::kSingle;
                             })
      .def_static("restore", &restore, py::arg("n_samples"), py::arg("names"), py::arg("means"),
                  py::arg("precisions"), py::arg("scatter"), py::arg("single") = false,
                  py::arg("device") = 0)
      .def("update", &update, py::arg("names"), py::arg("arrays"),
           py::arg("precisions") = py::none(), py::arg("pairs") = py::none())
      .def("keeps", &keeps, py::arg("row_block"), py::arg("col_block"))
      .def("scatter", &scatter, py::arg("row_block"), py::arg("col_block"));
  bind_state<StagedMoments>(moments);
  module.def("update_many", &update_many, py::arg("states"), py::arg("names"), py::arg("batches"),
             py::arg("precisions"));
}

}  // namespace fastcca
