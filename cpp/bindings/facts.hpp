// What a result tells of the state besides what was computed. It is read in the same call, since
// another thread may add samples between two.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "core/covariance.hpp"

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

// n_samples, single, and for each block its mean and epsilon, under names that begin with a prefix.
void add_facts(pybind11::dict& out, const Facts& facts,
               std::initializer_list<const char*> prefixes = {"x_", "y_"});

}  // namespace fastcca
