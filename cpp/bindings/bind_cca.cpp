#include "bindings/bindings.hpp"
#include "bindings/facts.hpp"
#include "core/cca.hpp"
#include "core/errors.hpp"
#include "core/factor_measures.hpp"

namespace fastcca {

namespace {

template <class Scalar>
py::dict solution_to_dict(const Backend& backend, CcaSolutionOf<Scalar> s, bool in_place) {
  const auto matrix_or_none = [&](std::optional<MatrixOf<Scalar>>& matrix) {
    return matrix ? py::object(to_python<Scalar>(backend, std::move(*matrix), in_place))
                  : py::object(py::none());
  };
  py::dict out;
  out["correlations"] = to_numpy(s.correlations);
  for (auto& [prefix, side] :
       {std::pair<std::string, CcaSideOf<Scalar>&>{"x_", s.x}, {"y_", s.y}}) {
    out[(prefix + "weights").c_str()] = matrix_or_none(side.weights);
    out[(prefix + "loadings").c_str()] = matrix_or_none(side.loadings);
    out[(prefix + "rank").c_str()] = side.rank;
    out[(prefix + "kept").c_str()] = side.kept;
    out[(prefix + "undecided").c_str()] = side.undecided;
    out[(prefix + "condition").c_str()] = side.condition;
    out[(prefix + "dead").c_str()] = to_numpy(side.dead);
  }
  return out;
}

}  // namespace

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

py::dict to_dict(const Backend& backend, CcaSolution solution, bool in_place) {
  return solution_to_dict<double>(backend, std::move(solution), in_place);
}

namespace {

// Content is Moments or QrFactor.
template <class Content, class State>
py::dict solve(const Locked<State>& state, Index x, Index y, double ridge, bool weights,
               const Keep& x_keep, const Keep& y_keep, double rank_tolerance, bool in_place) {
  require_usable();
  const CcaOptions options{ridge, weights, truncation_of(x_keep), truncation_of(y_keep),
                           rank_tolerance};
  auto [solution, facts] = without_gil(state, [&](const Content& content) {
    return std::pair(solve_cca(content, x, y, options), facts_of(content, {{x, {}}, {y, {}}}));
  });
  py::dict out = to_dict(state.backend(), std::move(solution), in_place);
  add_facts(out, facts);
  return out;
}

py::dict solve_complex(const LockedMoments& moments, const ComplexIndex& x_index,
                       const ComplexIndex& y_index, double ridge, bool weights,
                       double rank_tolerance, bool in_place) {
  require_usable();
  const ComplexBlock x = block_of(x_index);
  const ComplexBlock y = block_of(y_index);
  auto [solution, facts] = without_gil(moments, [&](const Moments& m) {
    return std::pair(solve_cca(m, x, y, {ridge, weights, {}, {}, rank_tolerance}),
                     facts_of(m, {x, y}));
  });
  py::dict out = solution_to_dict<Complex>(moments.backend(), std::move(solution), in_place);
  add_facts(out, facts);
  return out;
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
    out.append(solution_to_dict<Complex>(backend, std::move(s), false));
  }
  return out;
}

template <class Content, class State>
void bind_solve(py::module_& m, const char* name, const char* state) {
  m.def(name, &solve<Content, State>, py::arg(state), py::arg("x"), py::arg("y"), py::arg("ridge"),
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
  bind_solve<Moments, StagedMoments>(m, "solve_cca", "moments");
  bind_solve<QrFactor, QrFactor>(m, "solve_cca_of_factor", "factor");
  m.def("solve_complex_cca", &solve_complex, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("ridge"), py::arg("weights"), py::arg("rank_tolerance") = 0.0,
        py::arg("in_place") = false);
  m.def("solve_complex_cca_many", &solve_complex_many, py::arg("states"), py::arg("x"),
        py::arg("y"), py::arg("ridge"), py::arg("weights"), py::arg("x_energy"),
        py::arg("y_energy"), py::arg("threads"));
}

}  // namespace fastcca
