// Many pairs of blocks of one state: every block is decomposed once, pairs go over the cores.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/cca.hpp"
#include "core/measures.hpp"

namespace fastcca {

class PreparedBlocks {
 public:
  struct Entry {
    Index block = 0;                 // of the state; may be entered more than once
    std::optional<Truncation> keep;  // as of CcaOptions
  };

  PreparedBlocks(const Moments& moments, std::vector<Entry> entries, double ridge,
                 double rank_tolerance, int threads);

  // The block of an entry.
  Index block(Index entry) const { return entries_.at(static_cast<std::size_t>(entry)).block; }

  // CCA of pairs of entries. The state is the one that the blocks were prepared from, as it was.
  std::vector<CcaSolution> cca(const Moments& moments, std::span<const IndexPair> pairs,
                               CcaParts parts, int threads) const;
  // Regresses the second entry of each pair on the first. There must be no ridge, no truncation.
  std::vector<Regression> linear_regression(const Moments& moments,
                                            std::span<const IndexPair> pairs, int threads) const;

 private:
  void check(const Moments& moments, std::span<const IndexPair> pairs) const;
  CcaSolution cca_of_pair(const Moments& moments, Index x, Index y, CcaParts parts) const;

  Index n_samples_;
  std::vector<Entry> entries_;
  std::vector<PreparedBlock> prepared_;
};

// measure(moments, x, y) of pairs of blocks.
std::vector<double> measure_pairs(const Moments& moments, std::span<const IndexPair> pairs,
                                  double (*measure)(const Moments&, Index, Index), int threads);

}  // namespace fastcca
