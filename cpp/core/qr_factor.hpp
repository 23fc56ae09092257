// The state of one pass over the data that keeps all digits: the triangular factor of the centred
// samples, in place of their moments.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/moments.hpp"

namespace fastcca {

// R (P, P) upper triangular with R'R the scatter of all blocks side by side. A covariance squares
// the condition of the data and this does not. Streamed as tall and skinny QR (Demmel, Grigori,
// Hoemmen & Langou 2012): blocks of samples, centred by their own means, are folded into R one
// after the other.
class QrFactor {
 public:
  static constexpr int kFormatVersion = 1;

  explicit QrFactor(const Backend& backend) : backend_(&backend) {}

  // Adds a batch, as Moments::update does. The samples are divided in a few parts that depend on
  // their number alone, worked off on `threads` threads, 0 for the default, and merged in order.
  void update(std::span<const std::string> names, std::span<const ArrayView> views, int threads);

  // Adds another state over the same blocks. Two sets of samples with means a and b, centred each
  // by its own, are the joint set less one sample: sqrt(na nb / (na + nb)) (a - b).
  void merge(const QrFactor& other);

  Index n_samples() const { return n_; }
  std::vector<std::string> block_names() const { return names_of(blocks_); }
  Index block_count() const { return static_cast<Index>(blocks_.size()); }
  const Block& block(Index i) const { return blocks_.at(static_cast<std::size_t>(i)); }
  const std::vector<Block>& blocks() const { return blocks_; }
  const Matrix& factor() const { return factor_; }
  // The columns of R that belong to block i, (P, p_i).
  Matrix columns(Index i) const;

  QrFactor clone() const;
  static QrFactor restore(const Backend& backend, Index n, std::vector<Block> blocks,
                          Matrix factor);

  const Backend& backend() const { return *backend_; }

 private:
  // Some samples, centred by their own mean.
  struct Part {
    Index n = 0;
    std::vector<double> mean;
    Matrix factor;
  };
  Part factor_of(std::span<const ArrayView> views, Index first, Index last, Index width) const;
  Part copy_of_state() const;
  void join(Part& into, Part from) const;
  bool is_finite(const Part& part) const;
  void check_range(const Part& state, std::span<const Block> blocks) const;
  void commit(Part state, std::span<const Block> added);

  const Backend* backend_;
  Index n_ = 0;
  std::vector<Block> blocks_;
  Matrix factor_;
};

}  // namespace fastcca
