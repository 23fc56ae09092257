// Measures of samples as they were given, where one block at least has more features than samples.
#include "bindings/bindings.hpp"
#include "bindings/facts.hpp"
#include "core/accuracy.hpp"
#include "core/few_samples.hpp"

namespace fastcca {

namespace {

Facts facts_of(const std::vector<SampledBlock>& blocks) {
  Facts out;
  out.n_samples = blocks.front().n_samples();
  for (const SampledBlock& block : blocks) {
    out.blocks.push_back({block.mean(), {}, block.input_epsilon()});
  }
  return out;
}

using Names = std::vector<std::string>;
using Arrays = std::vector<py::object>;
using Precisions = std::optional<std::vector<std::string>>;

// f(blocks), and what a result tells besides.
template <class F>
auto of_samples(const Backend& backend, const Names& names, const Arrays& arrays,
                const Precisions& precisions, std::size_t count, F f) {
  require_usable();
  if (names.size() != count) {
    throw py::value_error("this measure takes " + std::to_string(count) + " blocks, not " +
                          std::to_string(names.size()));
  }
  const std::vector<ArrayView> views = views_of(backend, names, arrays, precisions);
  return without_gil([&] {
    const std::vector<SampledBlock> blocks = sampled_blocks(backend, names, views);
    return std::pair(f(blocks), facts_of(blocks));
  });
}

py::dict cca(const Names& names, const Arrays& arrays, const Precisions& precisions, double ridge,
             bool weights, const Keep& x_keep, const Keep& y_keep, double rank_tolerance,
             bool in_place, bool of_data, int device) {
  const Backend& backend = backend_on(device);
  const CcaOptions options{ridge, weights, truncation_of(x_keep), truncation_of(y_keep),
                           rank_tolerance};
  const Decomposed by = of_data ? Decomposed::kData : Decomposed::kGram;
  auto [found, facts] = of_samples(backend, names, arrays, precisions, 2, [&](const auto& b) {
    return solve_cca(b[0], b[1], options, by);
  });
  py::dict out = to_dict(backend, std::move(found.solution), in_place);
  add_facts(out, facts);
  out["method"] = found.by == Decomposed::kData ? "qr" : "moments";
  return out;
}

py::dict pls(const Names& names, const Arrays& arrays, const Precisions& precisions, bool in_place,
             int device) {
  const Backend& backend = backend_on(device);
  auto [s, facts] = of_samples(backend, names, arrays, precisions, 2,
                               [](const auto& b) { return solve_pls(b[0], b[1]); });
  py::dict out;
  out["singular_values"] = to_numpy(s.singular_values);
  out["x_weights"] = to_python<double>(backend, std::move(s.x_weights), in_place);
  out["y_weights"] = to_python<double>(backend, std::move(s.y_weights), in_place);
  add_facts(out, facts);
  return out;
}

py::dict pca(const Names& names, const Arrays& arrays, const Precisions& precisions,
             double rank_tolerance, bool in_place, int device) {
  const Backend& backend = backend_on(device);
  auto [axes, facts] = of_samples(backend, names, arrays, precisions, 1, [&](const auto& b) {
    return principal_axes(b[0], rank_tolerance);
  });
  py::dict out;
  out["variances"] = to_numpy(axes.variances);
  out["axes"] = to_python<double>(backend, std::move(axes.axes), in_place);
  out["rank"] = axes.real.size();
  add_facts(out, facts, {""});
  return out;
}

template <double (*kMeasure)(const SampledBlock&, const SampledBlock&)>
double number(const Names& names, const Arrays& arrays, const Precisions& precisions, int device) {
  return of_samples(backend_on(device), names, arrays, precisions, 2,
                    [](const auto& b) { return kMeasure(b[0], b[1]); })
      .first;
}

// A matrix (n, k) of the samples of one block, on the host.
template <class F>
DoubleMatrix matrix(const Names& names, const Arrays& arrays, const Precisions& precisions,
                    int device, F f) {
  const Backend& backend = backend_on(device);
  return to_numpy<double>(backend,
                          of_samples(backend, names, arrays, precisions, 1, [&](const auto& b) {
                            return f(b[0]);
                          }).first);
}

DoubleMatrix scores(const Names& names, const Arrays& arrays, const Precisions& precisions,
                    int device) {
  return matrix(names, arrays, precisions, device, complete_scores);
}

DoubleMatrix gram(const Names& names, const Arrays& arrays, const Precisions& precisions,
                  int device) {
  return matrix(names, arrays, precisions, device,
                [](const SampledBlock& b) { return b.gram(b.factors(Scale::kOwn)); });
}

py::dict regression(const Names& names, const Arrays& arrays, const Precisions& precisions,
                    double rank_tolerance, int device) {
  const auto [solution, facts] =
      of_samples(backend_on(device), names, arrays, precisions, 2,
                 [&](const auto& b) { return linear_regression(b[0], b[1], rank_tolerance); });
  py::dict out = to_dict(solution);
  add_facts(out, facts);
  return out;
}

}  // namespace

void bind_few_samples(py::module_& m) {
  const auto define = [&m](const char* name, auto function, const auto&... options) {
    m.def(name, function, py::arg("names"), py::arg("arrays"), py::arg("precisions"), options...,
          py::arg("device") = 0);
  };
  define("solve_cca_of_samples", &cca, py::arg("ridge"), py::arg("weights"),
         py::arg("x_keep") = py::none(), py::arg("y_keep") = py::none(),
         py::arg("rank_tolerance") = 0.0, py::arg("in_place") = false, py::arg("of_data") = false);
  define("solve_pls_of_samples", &pls, py::arg("in_place") = false);
  define("solve_pca_of_samples", &pca, py::arg("rank_tolerance") = 0.0,
         py::arg("in_place") = false);
  define("linear_cka_of_samples", &number<linear_cka>);
  define("procrustes_of_samples", &number<procrustes>);
  define("linear_regression_of_samples", &regression, py::arg("rank_tolerance") = 0.0);
  define("scores_of_samples", &scores);
  define("gram_of_samples", &gram);
  m.def("loses_digits", &loses_digits, py::arg("condition"), py::arg("input_epsilon"));
}

}  // namespace fastcca
