// What calls give back: a dict of what was computed, and of the facts about the state that go with
// it. These are read in the same call, since another thread may add samples between two.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/bindings.hpp"

namespace fastcca {

struct BlockFacts {
  std::vector<double> mean;
  std::vector<double> imaginary_mean;  // of complex samples alone
  double epsilon = 0.0;                // of the input's own precision
};

struct Facts {
  Index n_samples = 0;
  bool single = false;
  std::vector<BlockFacts> blocks;
};

// Content is Moments or QrFactor.
template <class Content>
Facts facts_of(const Content& content, std::initializer_list<ComplexBlock> blocks) {
  Facts out;
  out.n_samples = content.n_samples();
  if constexpr (std::is_same_v<Content, Moments>) {
    out.single = content.products() == Products::kSingle;
  }
  for (const ComplexBlock& block : blocks) {
    const Block& real = content.block(block.real);
    BlockFacts& facts = out.blocks.emplace_back();
    facts.mean = real.mean;
    facts.epsilon = epsilon(real.precision);
    if (block.imaginary) {
      const Block& imaginary = content.block(*block.imaginary);
      facts.imaginary_mean = imaginary.mean;
      facts.epsilon = std::max(facts.epsilon, epsilon(imaginary.precision));
    }
  }
  return out;
}

// Adds n_samples, single, and for each block its mean and epsilon, under names that begin with x_
// and y_ where there are two.
void add_facts(py::dict& out, const Facts& facts);

// `in_place` is that of to_python.
template <class Scalar>
py::dict to_dict(const Backend& backend, CcaSolutionOf<Scalar> solution, bool in_place);
py::dict to_dict(const Backend& backend, PlsSolution solution, bool in_place);
py::dict to_dict(const Backend& backend, PrincipalAxes axes, bool in_place);
py::dict to_dict(const Backend& backend, const Regression& regression, bool in_place);

template <class Solution>
py::dict to_dict(const Backend& backend, std::pair<Solution, Facts>&& solved, bool in_place) {
  py::dict out = to_dict(backend, std::move(solved.first), in_place);
  add_facts(out, solved.second);
  return out;
}

// What a state is solved from: Moments where batches wait.
template <class State>
using ContentOf = std::conditional_t<std::is_same_v<State, StagedMoments>, Moments, State>;

// The dict of solve(content) for these blocks of a state.
template <class State, class Solve>
py::dict solved(const Locked<State>& state, std::initializer_list<ComplexBlock> blocks,
                bool in_place, Solve solve) {
  require_usable();
  return to_dict(state.backend(),
                 without_gil(state,
                             [&](const ContentOf<State>& content) {
                               return std::pair(solve(content), facts_of(content, blocks));
                             }),
                 in_place);
}

}  // namespace fastcca
