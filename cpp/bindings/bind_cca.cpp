#include "bindings/results.hpp"
#include "core/cca.hpp"
#include "core/errors.hpp"
#include "core/factor_measures.hpp"

namespace fastcca {

std::optional<Truncation> truncation_of(const Keep& keep) {
  if (!keep) {
    return std::nullopt;
  }
  Truncation out;
  if (keep->first == "count") {
    out.by = Truncation::By::kCount;
    out.count = static_cast<Index>(keep->second);
    return out;
  }
  if (keep->first != "variance" && keep->first != "singular_values") {
    throw py::value_error("unknown criterion '" + keep->first + "'");
  }
  out.by = keep->first == "variance" ? Truncation::By::kVariance : Truncation::By::kSingularValues;
  out.share = keep->second;
  return out;
}

namespace {

template <class State>
py::dict solve(const Locked<State>& state, Index x, Index y, double ridge, bool weights,
               const Keep& x_keep, const Keep& y_keep, double rank_tolerance, bool in_place) {
  const CcaOptions options{ridge, weights, truncation_of(x_keep), truncation_of(y_keep),
                           rank_tolerance};
  return solved(state, {{x, {}}, {y, {}}}, in_place,
                [&](const auto& content) { return solve_cca(content, x, y, options); });
}

py::dict solve_complex(const LockedMoments& moments, const ComplexIndex& x, const ComplexIndex& y,
                       double ridge, bool weights, double rank_tolerance, bool in_place) {
  const CcaOptions options{ridge, weights, {}, {}, rank_tolerance};
  return solved(moments, {block_of(x), block_of(y)}, in_place,
                [&](const Moments& m) { return solve_cca(m, block_of(x), block_of(y), options); });
}

// Compares one pair of complex blocks in each of several states on one device, on so many threads.
py::list solve_complex_many(const std::vector<const LockedMoments*>& states, const ComplexIndex& x,
                            const ComplexIndex& y, double ridge, bool weights,
                            const Energy& x_energy, const Energy& y_energy, int threads) {
  require_usable();
  py::list out;
  if (states.empty()) {
    return out;
  }
  const Backend& backend = states.front()->backend();
  std::vector<CcaSolutionOf<Complex>> solutions(states.size());
  without_gil([&] {
    backend.for_each(threads, states.size(), [&](std::size_t i) {
      solutions[i] = states[i]->call([&](const Moments& m) {
        return solve_cca(m, block_of(x), block_of(y), {ridge, weights, {}, {}}, x_energy, y_energy);
      });
    });
  });
  for (auto& s : solutions) {
    out.append(to_dict(backend, std::move(s), false));
  }
  return out;
}

template <class State>
void bind_solve(py::module_& m, const char* name, const char* state) {
  m.def(name, &solve<State>, py::arg(state), py::arg("x"), py::arg("y"), py::arg("ridge"),
        py::arg("weights"), py::arg("x_keep") = py::none(), py::arg("y_keep") = py::none(),
        py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false);
}

}  // namespace

void bind_cca(py::module_& m) {
  // It serves this module's own calls alone, or the modules would translate each other's.
  py::register_local_exception_translator([](std::exception_ptr p) {
    try {
      std::rethrow_exception(std::move(p));
    } catch (const DecompositionError& error) {
      py::set_error(py::module_::import("numpy.linalg").attr("LinAlgError"), error.what());
    } catch (const ScaleError& error) {
      py::set_error(py::module_::import("fastcca._core").attr("ScaleError"), error.what());
    }
  });
  bind_solve<StagedMoments>(m, "solve_cca", "moments");
  bind_solve<QrFactor>(m, "solve_cca_of_factor", "factor");
  m.def("solve_complex_cca", &solve_complex, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("ridge"), py::arg("weights"), py::arg("rank_tolerance") = 0.0,
        py::arg("in_place") = false);
  m.def("solve_complex_cca_many", &solve_complex_many, py::arg("states"), py::arg("x"),
        py::arg("y"), py::arg("ridge"), py::arg("weights"), py::arg("x_energy"),
        py::arg("y_energy"), py::arg("threads"));
}

}  // namespace fastcca
