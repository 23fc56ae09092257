#include "bindings/facts.hpp"

#include "bindings/bindings.hpp"

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

void add_facts(py::dict& out, const Facts& facts, std::initializer_list<const char*> prefixes) {
  out["n_samples"] = facts.n_samples;
  out["single"] = facts.single;
  std::size_t i = 0;
  for (const std::string prefix : prefixes) {
    const BlockFacts& block = facts.blocks.at(i++);
    out[(prefix + "mean").c_str()] = mean_of(block);
    out[(prefix + "epsilon").c_str()] = block.epsilon;
  }
}

}  // namespace fastcca
