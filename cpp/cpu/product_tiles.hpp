// Where the products of pairs of blocks lie.
#pragma once

#include <cstddef>
#include <vector>

#include "core/kept_pairs.hpp"

namespace fastcca {

// Every block has a column-major matrix: its columns are the features of the block, and its rows
// those of the blocks kept with it from itself on, one below the other.
class ProductTiles {
 public:
  ProductTiles() = default;
  // For blocks of such widths.
  ProductTiles(const std::vector<Index>& widths, const KeptPairs& kept)
      : widths_(widths), heights_(widths.size(), 0), begins_(widths.size()) {
    for (std::size_t j = 0; j < widths.size(); ++j) {
      for (std::size_t i = j; i < widths.size(); ++i) {
        begins_[i].resize(i + 1, kNone);
        if (kept(i, j)) {
          begins_[i][j] = size_ + heights_[j];
          heights_[j] += widths[i];
        }
      }
      size_ += heights_[j] * widths[j];
    }
  }

  std::size_t blocks() const { return widths_.size(); }
  Index size() const { return size_; }
  Index width(std::size_t block) const { return widths_[block]; }
  // Steps from column to column of the matrix of block j.
  Index height(std::size_t j) const { return heights_[j]; }
  // Whether the pair of blocks j <= i has products, and where they begin.
  bool has(std::size_t i, std::size_t j) const { return begins_[i][j] != kNone; }
  Index begin(std::size_t i, std::size_t j) const { return begins_[i][j]; }

 private:
  static constexpr Index kNone = -1;

  std::vector<Index> widths_;
  std::vector<Index> heights_;
  std::vector<std::vector<Index>> begins_;
  Index size_ = 0;
};

}  // namespace fastcca
