#include "core/pairwise.hpp"

#include <stdexcept>

namespace fastcca {

PreparedBlocks::PreparedBlocks(const Moments& moments, std::vector<Entry> entries, double ridge,
                               double rank_tolerance, int threads)
    : n_samples_(moments.n_samples()), entries_(std::move(entries)) {
  const LinearAlgebra<double>& algebra = moments.backend();
  std::vector<std::optional<PreparedBlock>> found(entries_.size());
  moments.backend().for_each(threads, entries_.size(), [&](std::size_t i) {
    found[i] = prepare(algebra, covariance_of(moments, entries_[i].block), ridge, rank_tolerance,
                       entries_[i].keep);
  });
  prepared_.reserve(found.size());
  for (auto& block : found) {
    if (block) {  // all are
      prepared_.push_back(*std::move(block));
    }
  }
}

std::vector<CcaSolution> PreparedBlocks::cca(const Moments& moments,
                                             std::span<const IndexPair> pairs, Wanted wanted,
                                             int threads) const {
  check(moments, pairs);
  const LinearAlgebra<double>& algebra = moments.backend();
  std::vector<CcaSolution> out(pairs.size());
  moments.backend().for_each(threads, pairs.size(), [&](std::size_t i) {
    const auto x = static_cast<std::size_t>(pairs[i].first);
    const auto y = static_cast<std::size_t>(pairs[i].second);
    const BlockPair pair = pair_of(moments, entries_[x].block, entries_[y].block);
    const PreparedBlock& rows = prepared_[pair.swapped ? y : x];
    const PreparedBlock& cols = prepared_[pair.swapped ? x : y];
    out[i] =
        solve_prepared(algebra, {&rows, &cols, pair.cross, pair.degrees(), pair.swapped}, wanted);
  });
  return out;
}

std::vector<Regression> PreparedBlocks::linear_regression(const Moments& moments,
                                                          std::span<const IndexPair> pairs,
                                                          int threads) const {
  check(moments, pairs);
  std::vector<Regression> out(pairs.size());
  moments.backend().for_each(threads, pairs.size(), [&](std::size_t i) {
    const auto x = static_cast<std::size_t>(pairs[i].first);
    const auto y = static_cast<std::size_t>(pairs[i].second);
    out[i] = fastcca::linear_regression(moments, entries_[x].block, entries_[y].block,
                                        prepared_[x].whitener);
  });
  return out;
}

void PreparedBlocks::check(const Moments& moments, std::span<const IndexPair> pairs) const {
  if (moments.n_samples() != n_samples_) {
    throw std::logic_error("the state has changed since its blocks were prepared");
  }
  const auto count = static_cast<Index>(entries_.size());
  for (const auto& [x, y] : pairs) {
    if (x < 0 || y < 0 || x >= count || y >= count) {
      throw std::out_of_range("there is no prepared block of that index");
    }
  }
}

std::vector<double> measure_pairs(const Moments& moments, std::span<const IndexPair> pairs,
                                  double (*measure)(const Moments&, Index, Index), int threads) {
  std::vector<double> out(pairs.size());
  moments.backend().for_each(threads, pairs.size(), [&](std::size_t i) {
    out[i] = measure(moments, pairs[i].first, pairs[i].second);
  });
  return out;
}

}  // namespace fastcca
