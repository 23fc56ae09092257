// Which pairs of blocks a state keeps the scatter of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/types.hpp"

namespace fastcca {

using IndexPair = std::pair<Index, Index>;

// Every block with itself, and of different blocks all pairs or the chosen ones.
class KeptPairs {
 public:
  KeptPairs() = default;  // all

  // `pairs` of `blocks` blocks, each in any order and as often as one likes.
  KeptPairs(Index blocks, const std::vector<IndexPair>& pairs) {
    chosen_.resize(static_cast<std::size_t>(blocks));
    std::size_t left = 0;
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      chosen_[i].resize(i, false);
      left += i;
    }
    for (const auto& [x, y] : pairs) {
      const auto [j, i] = std::minmax(x, y);
      if (j < 0 || i >= blocks) {
        throw std::out_of_range("there is no pair of blocks of these indices");
      }
      if (i != j) {
        auto flag = chosen_[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
        left -= flag ? 0 : 1;
        flag = true;
      }
    }
    if (left == 0) {
      chosen_.clear();
    }
  }

  bool all() const { return chosen_.empty(); }
  bool operator()(std::size_t i, std::size_t j) const {
    return i == j || chosen_.empty() || chosen_.at(std::max(i, j)).at(std::min(i, j));
  }
  friend bool operator==(const KeptPairs&, const KeptPairs&) = default;

 private:
  std::vector<std::vector<bool>> chosen_;  // [i][j] for j < i; empty where all are kept
};

}  // namespace fastcca
