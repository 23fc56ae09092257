// Measures of samples as they were given, where one block at least has more features than samples.
#include "bindings/results.hpp"
#include "core/few_samples.hpp"

namespace fastcca {

namespace {

Facts facts_of(const std::vector<SampledBlock>& blocks) {
  Facts out;
  out.n_samples = blocks.front().n_samples();
  for (const SampledBlock& block : blocks) {
    out.blocks.push_back({block.mean(), {}, block.units().input_epsilon});
  }
  return out;
}

// Samples of so many blocks as Python hands them over.
struct Given {
  const std::vector<std::string>& names;
  const std::vector<py::object>& arrays;
  const std::optional<std::vector<std::string>>& precisions;
  const Backend& backend;

  // solve(blocks...), and what a result tells besides.
  template <class Solve>
  auto solved(Solve solve) const {
    constexpr std::size_t kBlocks = std::is_invocable_v<Solve, const SampledBlock&> ? 1 : 2;
    require_usable();
    if (names.size() != kBlocks) {
      throw py::value_error("this measure takes " + std::to_string(kBlocks) + " blocks, not " +
                            std::to_string(names.size()));
    }
    const std::vector<ArrayView> views = views_of(backend, names, arrays, precisions);
    return without_gil([&] {
      const std::vector<SampledBlock> blocks = sampled_blocks(backend, names, views);
      if constexpr (kBlocks == 1) {
        return std::pair(solve(blocks[0]), facts_of(blocks));
      } else {
        return std::pair(solve(blocks[0], blocks[1]), facts_of(blocks));
      }
    });
  }

  template <class Solve>
  py::dict dict(bool in_place, Solve solve) const {
    return to_dict(backend, solved(solve), in_place);
  }
};

py::dict cca(const Given& given, double ridge, bool weights, const Keep& x_keep, const Keep& y_keep,
             double rank_tolerance, bool in_place, bool of_data) {
  const CcaOptions options{ridge, weights, truncation_of(x_keep), truncation_of(y_keep),
                           rank_tolerance};
  auto [found, facts] = given.solved([&](const SampledBlock& x, const SampledBlock& y) {
    return solve_cca(x, y, options, of_data ? Decomposed::kData : Decomposed::kGram);
  });
  py::dict out = to_dict(given.backend, std::pair(std::move(found.solution), facts), in_place);
  out["method"] = found.by == Decomposed::kData ? "qr" : "moments";
  return out;
}

py::dict pls(const Given& given, bool in_place) {
  return given.dict(in_place,
                    [](const SampledBlock& x, const SampledBlock& y) { return solve_pls(x, y); });
}

py::dict pca(const Given& given, double rank_tolerance, bool in_place) {
  return given.dict(
      in_place, [&](const SampledBlock& block) { return principal_axes(block, rank_tolerance); });
}

py::dict regression(const Given& given, double rank_tolerance) {
  return given.dict(false, [&](const SampledBlock& x, const SampledBlock& y) {
    return linear_regression(x, y, rank_tolerance);
  });
}

template <double (*kMeasure)(const SampledBlock&, const SampledBlock&)>
double number(const Given& given) {
  return given.solved(kMeasure).first;
}

// Matrices (n, k) of the samples of one block, on the host.
DoubleMatrix scores(const Given& given) {
  return to_numpy<double>(given.backend, given.solved(&complete_scores).first);
}

DoubleMatrix gram(const Given& given) {
  return to_numpy<double>(
      given.backend,
      given.solved([](const SampledBlock& block) { return block.gram(block.factors(Scale::kOwn)); })
          .first);
}

// Binds function(given, options...), with names for the options.
template <class Result, class... Options, class... Names>
void define(py::module_& m, const char* name, Result (*function)(const Given&, Options...),
            const Names&... options) {
  m.def(
      name,
      [function](const std::vector<std::string>& names, const std::vector<py::object>& arrays,
                 const std::optional<std::vector<std::string>>& precisions, Options... chosen,
                 int device) {
        return function({names, arrays, precisions, backend_on(device)}, chosen...);
      },
      py::arg("names"), py::arg("arrays"), py::arg("precisions"), options...,
      py::arg("device") = 0);
}

}  // namespace

void bind_few_samples(py::module_& m) {
  define(m, "solve_cca_of_samples", &cca, py::arg("ridge"), py::arg("weights"),
         py::arg("x_keep") = py::none(), py::arg("y_keep") = py::none(),
         py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false, py::arg("of_data") = false);
  define(m, "solve_pls_of_samples", &pls, py::arg("in_place") = false);
  define(m, "solve_pca_of_samples", &pca, py::arg("rank_tolerance") = 0.0,
         py::arg("in_place") = false);
  define(m, "linear_cka_of_samples", &number<linear_cka>);
  define(m, "procrustes_of_samples", &number<procrustes>);
  define(m, "linear_regression_of_samples", &regression, py::arg("rank_tolerance") = 0.0);
  define(m, "scores_of_samples", &scores);
  define(m, "gram_of_samples", &gram);
  m.def("loses_digits", &rank_rule::loses_digits, py::arg("condition"), py::arg("input_epsilon"));
}

}  // namespace fastcca
