#include "bindings/results.hpp"
#include "core/pairwise.hpp"

namespace fastcca {

namespace {

using Pairs = std::vector<IndexPair>;

PreparedBlocks prepare_blocks(const LockedMoments& moments, const std::vector<Index>& blocks,
                              const std::vector<Keep>& keeps, double ridge, double rank_tolerance,
                              int threads) {
  require_usable();
  if (blocks.size() != keeps.size()) {
    throw py::value_error("there must be one keep for each block");
  }
  std::vector<PreparedBlocks::Entry> entries;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    entries.push_back({blocks[i], truncation_of(keeps[i])});
  }
  return without_gil(moments, [&](const Moments& m) {
    return PreparedBlocks(m, std::move(entries), ridge, rank_tolerance, threads);
  });
}

CcaParts parts_named(const std::string& name) {
  if (name == "sum_of_squares") {
    return CcaParts::kSumOfSquares;
  }
  if (name != "correlations" && name != "weights") {
    throw py::value_error("of a pair there is no '" + name + "'");
  }
  return name == "weights" ? CcaParts::kWeights : CcaParts::kCorrelations;
}

// The dicts of what `solve` finds for all pairs.
template <class Solve>
py::list solved_pairs(const PreparedBlocks& prepared, const LockedMoments& moments,
                      const Pairs& pairs, Solve solve) {
  require_usable();
  std::vector<Facts> facts;
  auto solutions = without_gil(moments, [&](const Moments& m) {
    auto found = solve(m);
    for (const auto& [x, y] : pairs) {
      facts.push_back(facts_of(m, {{prepared.block(x), {}}, {prepared.block(y), {}}}));
    }
    return found;
  });
  py::list out;
  for (std::size_t i = 0; i < solutions.size(); ++i) {
    out.append(
        to_dict(moments.backend(), std::pair(std::move(solutions[i]), std::move(facts[i])), false));
  }
  return out;
}

py::list cca_of_pairs(const PreparedBlocks& prepared, const LockedMoments& moments,
                      const Pairs& pairs, const std::string& wanted, int threads) {
  std::vector<double> sums;
  py::list out = solved_pairs(prepared, moments, pairs, [&](const Moments& m) {
    auto found = prepared.cca(m, pairs, parts_named(wanted), threads);
    for (const CcaSolution& solution : found) {
      sums.push_back(solution.sum_of_squares);
    }
    return found;
  });
  for (std::size_t i = 0; i < sums.size(); ++i) {
    out[i]["sum_of_squares"] = sums[i];
  }
  return out;
}

py::list regression_of_pairs(const PreparedBlocks& prepared, const LockedMoments& moments,
                             const Pairs& pairs, int threads) {
  return solved_pairs(prepared, moments, pairs, [&](const Moments& m) {
    return prepared.linear_regression(m, pairs, threads);
  });
}

template <double (*kMeasure)(const Moments&, Index, Index)>
std::vector<double> numbers(const LockedMoments& moments, const Pairs& pairs, int threads) {
  require_usable();
  return without_gil(moments,
                     [&](const Moments& m) { return measure_pairs(m, pairs, kMeasure, threads); });
}

}  // namespace

void bind_pairwise(py::module_& m) {
  py::class_<PreparedBlocks>(m, "PreparedBlocks", py::module_local())
      .def(py::init(&prepare_blocks), py::arg("moments"), py::arg("blocks"), py::arg("keeps"),
           py::arg("ridge"), py::arg("rank_tolerance"), py::arg("threads"))
      .def("cca", &cca_of_pairs, py::arg("moments"), py::arg("pairs"), py::arg("wanted"),
           py::arg("threads"))
      .def("linear_regression", &regression_of_pairs, py::arg("moments"), py::arg("pairs"),
           py::arg("threads"));
  m.def("linear_cka_of_pairs", &numbers<linear_cka>, py::arg("moments"), py::arg("pairs"),
        py::arg("threads"));
  m.def("procrustes_of_pairs", &numbers<procrustes>, py::arg("moments"), py::arg("pairs"),
        py::arg("threads"));
}

}  // namespace fastcca
