// A named block of features: what a state knows of it besides its scatter.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/types.hpp"

namespace fastcca {

struct Block {
  std::string name;
  std::vector<double> mean;  // (size,)
  Precision precision = Precision::kFloat64;
  Index size() const { return static_cast<Index>(mean.size()); }
};

inline std::vector<std::string> names_of(std::span<const Block> blocks) {
  std::vector<std::string> out;
  for (const Block& block : blocks) {
    out.push_back(block.name);
  }
  return out;
}

// Features of all blocks side by side.
inline Index width_of(std::span<const Block> blocks) {
  Index out = 0;
  for (const Block& block : blocks) {
    out += block.size();
  }
  return out;
}

}  // namespace fastcca
