// Which pairs of blocks a state keeps the scatter of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
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
    std::set<IndexPair> chosen;
    for (const auto& [x, y] : pairs) {
      const auto [j, i] = std::minmax(x, y);
      if (j < 0 || i >= blocks) {
        throw std::out_of_range("there is no pair of blocks of these indices");
      }
      if (i != j) {
        chosen.emplace(i, j);
      }
    }
    if (static_cast<Index>(chosen.size()) < blocks * (blocks - 1) / 2) {
      chosen_ = std::move(chosen);
    }
  }

  bool all() const { return !chosen_; }
  bool operator()(std::size_t i, std::size_t j) const {
    const auto row = static_cast<Index>(i);
    const auto col = static_cast<Index>(j);
    return i == j || !chosen_ || chosen_->contains({std::max(row, col), std::min(row, col)});
  }
  friend bool operator==(const KeptPairs&, const KeptPairs&) = default;

 private:
  std::optional<std::set<IndexPair>> chosen_;  // the later block first; nothing where all are kept
};

}  // namespace fastcca
