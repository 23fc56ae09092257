// The state of one pass over the data: counts, means and centred second moments of named blocks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/batch.hpp"

namespace fastcca {

// The precision that products of samples are computed in.
enum class Products : std::uint8_t { kDouble, kSingle };

// The relative rounding of such products.
constexpr double epsilon(Products products) {
  return products == Products::kSingle ? 0x1p-23 : 0x1p-52;
}

// The scatter of two blocks as a state keeps it, or its transpose.
struct Cross {
  const Matrix* tile;
  Transpose transpose;
};

// Samples of all blocks belong together: sample i of every block is the same stimulus.
class Moments {
 public:
  static constexpr int kFormatVersion = 3;

  explicit Moments(const Backend& backend, Products products = Products::kDouble)
      : backend_(&backend), products_(products) {}

  // Adds a batch. The first one fixes the names, their order and sizes, and which pairs of blocks
  // are kept. The batch is checked whole first: when this throws, the state is what it was.
  void update(std::span<const std::string> names, std::span<const ArrayView> views, int threads = 0,
              const KeptPairs& kept = {}) {
    add(read(names, views, threads, kept));
  }

  // The two steps of an update. The first one checks and reads the batch, which may take long; the
  // second one cannot be interrupted.
  struct Batch {
    std::vector<Block> blocks;
    KeptPairs kept;
    BatchMoments moments;
  };
  Batch read(std::span<const std::string> names, std::span<const ArrayView> views, int threads,
             const KeptPairs& kept) const;
  void add(Batch batch);

  // Adds another state over the same blocks and pairs of them (Chan, Golub & LeVeque 1979), checked
  // first as well.
  void merge(const Moments& other);

  // The coarsest precision that any of the products were computed in.
  Products products() const { return products_; }

  Index n_samples() const { return n_; }
  Index block_count() const { return static_cast<Index>(blocks_.size()); }
  const Block& block(Index i) const { return blocks_.at(static_cast<std::size_t>(i)); }
  const std::vector<Block>& blocks() const { return blocks_; }
  const KeptPairs& kept() const { return kept_; }
  // Centred sum of outer products of blocks i and j, for j <= i. Throws where it is not kept.
  const Matrix& scatter(Index i, Index j) const;
  // The scatter of blocks in any order: x' y, (features of x, features of y), is the tile or its
  // transpose.
  Cross cross(Index x, Index y) const;
  Matrix copy_of_cross(Index x, Index y) const;

  Moments clone() const;
  // Takes over a stored state, whose parts must fit each other. A scatter without rows or columns
  // is one that is not kept.
  static Moments restore(const Backend& backend, Index n, std::vector<Block> blocks,
                         std::vector<std::vector<Matrix>> scatter,
                         Products products = Products::kDouble);

  const Backend& backend() const { return *backend_; }

 private:
  void check_range(const BatchMoments& batch, std::span<const std::string> names,
                   std::span<const ArrayView> views) const;
  void add(Index n, std::span<const Block> blocks, std::span<const std::vector<Matrix>> scatter);

  const Backend* backend_;
  Products products_;
  Index n_ = 0;
  std::vector<Block> blocks_;
  KeptPairs kept_;
  std::vector<std::vector<Matrix>> scatter_;  // (0, 0) where not kept
};

}  // namespace fastcca
