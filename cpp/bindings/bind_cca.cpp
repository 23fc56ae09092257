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
  out["x_weights"] = matrix_or_none(s.x.weights);
  out["y_weights"] = matrix_or_none(s.y.weights);
  out["x_loadings"] = matrix_or_none(s.x.loadings);
  out["y_loadings"] = matrix_or_none(s.y.loadings);
  out["x_rank"] = s.x.rank;
  out["y_rank"] = s.y.rank;
  out["x_kept"] = s.x.kept;
  out["y_kept"] = s.y.kept;
  out["x_undecided"] = s.x.undecided;
  out["y_undecided"] = s.y.undecided;
  out["x_condition"] = s.x.condition;
  out["y_condition"] = s.y.condition;
  out["x_dead"] = to_numpy(s.x.dead);
  out["y_dead"] = to_numpy(s.y.dead);
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

py::dict solve_complex(const LockedMoments& moments, const ComplexIndex& x, const ComplexIndex& y,
                       double ridge, bool weights, double rank_tolerance, bool in_place) {
  require_usable();
  auto [solution, facts] = without_gil([&] {
    auto [pair, read] = moments.call([&](const Moments& m) {
      const ComplexBlock x_block{x.first, x.second};
      const ComplexBlock y_block{y.first, y.second};
      return std::pair(ComplexPair(m, x_block, y_block, {}, {}), facts_of(m, {x_block, y_block}));
    });
    return std::pair(solve_cca(moments.backend().complex(), pair.pair(),
                               {ridge, weights, {}, {}, rank_tolerance}),
                     std::move(read));
  });
  py::dict out = solution_to_dict<Complex>(moments.backend(), std::move(solution), in_place);
  add_facts(out, facts);
  return out;
}

// One pair of complex blocks in each of several states on one device, on so many threads.
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
    const Index bytes = states.front()->call([&](const Moments& m) {
      return ComplexPair::bytes(m, {x.first, x.second}, {y.first, y.second});
    });
    backend.for_each_range(threads, states.size(), bytes, [&](std::size_t first, std::size_t last) {
      std::vector<ComplexPair> held;
      for (std::size_t i = first; i < last; ++i) {
        held.push_back(states[i]->call([&](const Moments& m) {
          return ComplexPair(m, {x.first, x.second}, {y.first, y.second}, x_energy, y_energy);
        }));
      }
      std::vector<BlockPairOf<Complex>> pairs;
      for (const ComplexPair& pair : held) {
        pairs.push_back(pair.pair());
      }
      auto solved = solve_cca_each(backend.complex(), std::span(std::as_const(pairs)),
                                   {ridge, weights, {}, {}});
      std::move(solved.begin(), solved.end(),
                solutions.begin() + static_cast<std::ptrdiff_t>(first));
    });
  });
  for (auto& s : solutions) {
    out.append(solution_to_dict<Complex>(backend, std::move(s), false));
  }
  return out;
}

}  // namespace

void bind_cca(py::module_& m) {
  // Of this module's own calls alone, or the modules would translate each other's.
  py::register_local_exception_translator([](std::exception_ptr p) {
    try {
      std::rethrow_exception(std::move(p));
    } catch (const DecompositionError& error) {
      py::set_error(py::module_::import("numpy.linalg").attr("LinAlgError"), error.what());
    } catch (const ScaleError& error) {
      py::set_error(py::module_::import("fastcca._core").attr("ScaleError"), error.what());
    }
  });
  m.def("solve_cca", &solve<Moments, StagedMoments>, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("ridge"), py::arg("weights"), py::arg("x_keep") = py::none(),
        py::arg("y_keep") = py::none(), py::arg("rank_tolerance") = 0.0,
        py::arg("in_place") = false);
  m.def("solve_cca_of_factor", &solve<QrFactor, QrFactor>, py::arg("factor"), py::arg("x"),
        py::arg("y"), py::arg("ridge"), py::arg("weights"), py::arg("x_keep") = py::none(),
        py::arg("y_keep") = py::none(), py::arg("rank_tolerance") = 0.0,
        py::arg("in_place") = false);
  m.def("solve_complex_cca", &solve_complex, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("ridge"), py::arg("weights"), py::arg("rank_tolerance") = 0.0,
        py::arg("in_place") = false);
  m.def("solve_complex_cca_many", &solve_complex_many, py::arg("states"), py::arg("x"),
        py::arg("y"), py::arg("ridge"), py::arg("weights"), py::arg("x_energy"),
        py::arg("y_energy"), py::arg("threads"));
}

}  // namespace fastcca
