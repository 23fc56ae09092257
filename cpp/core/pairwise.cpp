#include "core/pairwise.hpp"

#include <stdexcept>

namespace fastcca {

PreparedBlocks::PreparedBlocks(const Moments& moments, std::vector<Entry> entries, double ridge,
                               double rank_tolerance, int threads)
    : n_samples_(moments.n_samples()), entries_(std::move(entries)) {
  const LinearAlgebra<double>& algebra = moments.backend();
  prepared_.resize(entries_.size());
  moments.backend().for_each(threads, entries_.size(), [&](std::size_t i) {
    prepared_[i] = prepare(algebra, covariance_of(moments, entries_[i].block), ridge,
                           rank_tolerance, entries_[i].keep);
  });
}

std::vector<CcaSolution> PreparedBlocks::cca(const Moments& moments,
                                             std::span<const IndexPair> pairs, CcaParts parts,
                                             int threads) const {
  check(moments, pairs);
  std::vector<CcaSolution> out(pairs.size());
  moments.backend().for_each(threads, pairs.size(), [&](std::size_t i) {
    out[i] = cca_of_pair(moments, pairs[i].first, pairs[i].second, parts);
  });
  return out;
}

CcaSolution PreparedBlocks::cca_of_pair(const Moments& moments, Index x, Index y,
                                        CcaParts parts) const {
  const auto [cross, transpose] = moments.cross(block(x), block(y));
  if (transpose == Transpose::kYes) {
    CcaSolution out = cca_of_pair(moments, y, x, parts);
    out.exchange_sides();
    return out;
  }
  const auto& algebra = algebra_of<double>(moments.backend());
  const PreparedBlock& of_x = prepared_[static_cast<std::size_t>(x)];
  const PreparedBlock& of_y = prepared_[static_cast<std::size_t>(y)];
  return solve_whitened(
      algebra, of_x, of_y,
      core_matrix(algebra, of_x.whitener, of_y.whitener, *cross, degrees_of_freedom(n_samples_)),
      parts);
}

std::vector<Regression> PreparedBlocks::linear_regression(const Moments& moments,
                                                          std::span<const IndexPair> pairs,
                                                          int threads) const {
  check(moments, pairs);
  std::vector<Regression> out(pairs.size());
  moments.backend().for_each(threads, pairs.size(), [&](std::size_t i) {
    const auto [x, y] = pairs[i];
    out[i] = fastcca::linear_regression(moments, block(x), block(y),
                                        prepared_[static_cast<std::size_t>(x)].whitener);
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
