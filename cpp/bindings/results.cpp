#include "bindings/results.hpp"

namespace fastcca {

namespace {

py::object mean_of(const BlockFacts& facts) {
  if (facts.imaginary_mean.empty()) {
    return to_numpy(facts.mean);
  }
  py::array_t<Complex> out(static_cast<py::ssize_t>(facts.mean.size()));
  Complex* values = out.mutable_data();
  for (std::size_t i = 0; i < facts.mean.size(); ++i) {
    values[i] = {facts.mean[i], facts.imaginary_mean[i]};
  }
  return out;
}

}  // namespace

void add_facts(py::dict& out, const Facts& facts) {
  out["n_samples"] = facts.n_samples;
  out["single"] = facts.single;
  for (std::size_t i = 0; i < facts.blocks.size(); ++i) {
    const std::string prefix = facts.blocks.size() == 1 ? "" : i == 0 ? "x_" : "y_";
    out[(prefix + "mean").c_str()] = mean_of(facts.blocks[i]);
    out[(prefix + "epsilon").c_str()] = facts.blocks[i].epsilon;
  }
}

template <class Scalar>
py::dict to_dict(const Backend& backend, CcaSolutionOf<Scalar> s, bool in_place) {
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

template py::dict to_dict(const Backend&, CcaSolution, bool);
template py::dict to_dict(const Backend&, CcaSolutionOf<Complex>, bool);

py::dict to_dict(const Backend& backend, PlsSolution s, bool in_place) {
  py::dict out;
  out["singular_values"] = to_numpy(s.singular_values);
  out["x_weights"] = to_python<double>(backend, std::move(s.x_weights), in_place);
  out["y_weights"] = to_python<double>(backend, std::move(s.y_weights), in_place);
  return out;
}

py::dict to_dict(const Backend& backend, PrincipalAxes axes, bool in_place) {
  py::dict out;
  out["variances"] = to_numpy(axes.variances);
  out["axes"] = to_python<double>(backend, std::move(axes.axes), in_place);
  out["rank"] = axes.real.size();
  return out;
}

py::dict to_dict(const Backend&, const Regression& regression, bool) {
  py::dict out;
  out["r2"] = regression.r2;
  out["x_condition"] = regression.x_condition;
  out["x_undecided"] = regression.x_undecided;
  return out;
}

}  // namespace fastcca
