#include "core/moments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/errors.hpp"
#include "core/host_vectors.hpp"

namespace fastcca {

void Moments::check_range(const BatchMoments& batch, std::span<const std::string> names,
                          std::span<const ArrayView> views) const {
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto diagonal = backend_->diagonal(batch.scatter[i][i]);
    // A value that is not finite spoils its own square, so the diagonals tell for free.
    if (!array(diagonal).isFinite().all()) {
      refuse_non_finite(*backend_, names[i], views[i]);
      refuse_large(names[i]);
    }
    if (squares_underflow(diagonal, batch.n) && backend_->largest_deviation(views[i]) > 0.0) {
      refuse_small(names[i]);
    }
  }
}

Moments::Batch Moments::read(std::span<const std::string> names, std::span<const ArrayView> views,
                             int threads, const KeptPairs& kept) const {
  check_batch(blocks_, names, views);
  if (!blocks_.empty()) {
    check_same_pairs(blocks_, kept_, kept, "add a batch");
  }
  Batch out;
  out.kept = kept;
  out.moments = products_ == Products::kSingle ? backend_->accumulate_single(views, kept, threads)
                                               : backend_->accumulate(views, kept, threads);
  check_range(out.moments, names, views);
  for (std::size_t i = 0; i < names.size(); ++i) {
    out.blocks.push_back({names[i], std::move(out.moments.means[i]), precision_of(views[i])});
  }
  return out;
}

void Moments::add(Batch batch) {
  if (blocks_.empty()) {
    blocks_ = std::move(batch.blocks);
    kept_ = std::move(batch.kept);
    scatter_ = std::move(batch.moments.scatter);
    n_ = batch.moments.n;
    return;
  }
  add(batch.moments.n, batch.blocks, batch.moments.scatter);
}

void Moments::merge(const Moments& other) {
  if (other.blocks_.empty()) {
    return;
  }
  const Products products = std::max(products_, other.products_);
  if (blocks_.empty()) {
    *this = other.clone();
    products_ = products;
    return;
  }
  check_same_blocks(blocks_, other.blocks_);
  check_same_pairs(blocks_, kept_, other.kept_, "merge a state");
  add(other.n_, other.blocks_, other.scatter_);
  products_ = products;
}

void Moments::add(Index n, std::span<const Block> blocks,
                  std::span<const std::vector<Matrix>> scatter) {
  const Index n_joint = joint_count(n_, n);
  const double n_here = static_cast<double>(n_);
  const double n_there = static_cast<double>(n);
  const double n_both = n_here + n_there;
  const double weight = n_here / n_both * n_there;
  // How far the means are apart.
  std::vector<std::vector<double>> delta;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    delta.push_back(vector_of(array(blocks[i].mean) - array(blocks_[i].mean)));
  }
  // What is finite on both sides can be too far apart. Off the diagonal nothing is larger.
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto here = backend_->diagonal(scatter_[i][i]);
    const auto there = backend_->diagonal(scatter[i][i]);
    const auto sums = vector_of(array(here) + array(there) + weight * array(delta[i]).square());
    const auto overflow =
        std::find_if(sums.begin(), sums.end(), [](double s) { return !std::isfinite(s); });
    if (overflow != sums.end()) {
      throw ScaleError(
          blocks_[i].name + " is so far from the samples before in feature " +
          std::to_string(overflow - sums.begin()) +
          " that the square of the distance overflows float64; divide the data by a constant "
          "(correlations do not depend on the scale)");
    }
    // Two means of the same number are apart by their rounding.
    const bool apart = (array(delta[i]).abs() > 0x1p-48 * array(blocks[i].mean).abs()).any();
    if (apart && squares_underflow(sums, n_joint)) {
      refuse_small(blocks_[i].name);
    }
  }
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      if (kept_(i, j)) {
        backend_->add_with_outer(scatter_[i][j], scatter[i][j], weight, delta[i], delta[j]);
      }
    }
    array(blocks_[i].mean) += array(delta[i]) * (n_there / n_both);
    blocks_[i].precision = coarser(blocks_[i].precision, blocks[i].precision);
  }
  n_ = n_joint;
}

const Matrix& Moments::scatter(Index i, Index j) const {
  const auto row = static_cast<std::size_t>(i);
  const auto col = static_cast<std::size_t>(j);
  const Matrix& found = scatter_.at(row).at(col);
  if (!kept_(row, col)) {
    throw std::out_of_range("these moments keep no pair of " + blocks_[row].name + " and " +
                            blocks_[col].name + "; accumulate moments that want it");
  }
  return found;
}

Cross Moments::cross(Index x, Index y) const {
  return y <= x ? Cross{&scatter(x, y), Transpose::kNo} : Cross{&scatter(y, x), Transpose::kYes};
}

Matrix Moments::copy_of_cross(Index x, Index y) const {
  const auto [tile, transpose] = cross(x, y);
  return transpose == Transpose::kYes ? backend_->transposed(*tile) : backend_->copy(*tile);
}

Moments Moments::clone() const {
  Moments out(*backend_, products_);
  out.n_ = n_;
  out.blocks_ = blocks_;
  out.kept_ = kept_;
  for (const auto& row : scatter_) {
    auto& copied = out.scatter_.emplace_back();
    for (const auto& tile : row) {
      copied.push_back(backend_->copy(tile));
    }
  }
  return out;
}

Moments Moments::restore(const Backend& backend, Index n, std::vector<Block> blocks,
                         std::vector<std::vector<Matrix>> scatter, Products products) {
  bool fits = n >= 0 && blocks.size() == scatter.size() && (n > 0) == !blocks.empty();
  std::vector<IndexPair> kept;
  for (std::size_t i = 0; fits && i < blocks.size(); ++i) {
    fits = scatter[i].size() == i + 1;
    for (std::size_t j = 0; fits && j <= i; ++j) {
      const Matrix& tile = scatter[i][j];
      if (i != j && tile.rows() == 0 && tile.cols() == 0) {
        continue;
      }
      kept.emplace_back(static_cast<Index>(i), static_cast<Index>(j));
      fits = tile.rows() == blocks[i].size() && tile.cols() == blocks[j].size();
    }
  }
  if (!fits) {
    throw std::invalid_argument(
        "the stored moments do not fit together: counts, means and scatter disagree in shape");
  }
  Moments out(backend, products);
  out.n_ = n;
  out.kept_ = KeptPairs(static_cast<Index>(blocks.size()), kept);
  out.blocks_ = std::move(blocks);
  out.scatter_ = std::move(scatter);
  return out;
}

}  // namespace fastcca
