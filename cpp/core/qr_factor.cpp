#include "core/qr_factor.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/errors.hpp"
#include "core/host_vectors.hpp"
#include "core/interrupt.hpp"

namespace fastcca {

namespace {

// Samples per block: enough that a block costs more to fold in than its call.
Index block_rows(Index width) { return std::max<Index>(4 * width, 1024); }

// A constant, so that the result does not depend on the number of threads.
constexpr Index kParts = 4;

// Moves the mean of n samples to that of both, and returns how far the means were apart as the
// sample that both are together besides each centred by its own: its square is what centring by
// the joint mean adds.
std::vector<double> join_means(std::vector<double>& mean, Index n, const std::vector<double>& other,
                               Index n_other) {
  const double n_here = static_cast<double>(n);
  const double n_there = static_cast<double>(n_other);
  const double n_both = n_here + n_there;
  auto difference = vector_of(array(other) - array(mean));
  array(mean) += array(difference) * (n_there / n_both);
  array(difference) *= std::sqrt(n_here / n_both * n_there);
  return difference;
}

}  // namespace

QrFactor::Part QrFactor::factor_of(std::span<const ArrayView> views, Index first, Index last,
                                   Index width) const {
  Part part{0, filled(width, 0.0), backend_->zeros(width, width)};
  for (Index row = first; row < last; row += block_rows(width)) {
    throw_if_interrupted();
    const Index count = std::min(block_rows(width), last - row);
    CentredRows rows = backend_->read_centred(views, row, count);
    backend_->set_row(rows.samples, count, join_means(part.mean, part.n, rows.mean, count));
    backend_->fold_into(part.factor, std::move(rows.samples));
    part.n += count;
  }
  return part;
}

void QrFactor::join(Part& into, Part from) const {
  if (from.n == 0) {
    return;
  }
  const Index width = into.factor.rows();
  const Index n_joint = joint_count(into.n, from.n);
  Matrix rows = backend_->placed_rows(from.factor, index_range(width), width + 1);
  backend_->set_row(rows, width, join_means(into.mean, into.n, from.mean, from.n));
  backend_->fold_into(into.factor, std::move(rows));
  into.n = n_joint;
}

QrFactor::Part QrFactor::copy_of_state() const {
  std::vector<double> mean;
  for (const Block& block : blocks_) {
    mean.insert(mean.end(), block.mean.begin(), block.mean.end());
  }
  return {n_, std::move(mean), backend_->copy(factor_)};
}

void QrFactor::update(std::span<const std::string> names, std::span<const ArrayView> views,
                      int threads) {
  check_batch(blocks_, names, views);
  std::vector<Block> added;
  for (std::size_t i = 0; i < names.size(); ++i) {
    added.push_back({names[i], filled(views[i].cols, 0.0), precision_of(views[i])});
  }
  const Index width = width_of(added);
  const Index rows = views[0].rows;
  const Index blocks = (rows + block_rows(width) - 1) / block_rows(width);
  const Index parts = std::min(kParts, blocks);
  std::vector<Part> factors(static_cast<std::size_t>(parts));
  backend_->for_each(threads, static_cast<std::size_t>(parts), [&](std::size_t i) {
    const auto part = static_cast<Index>(i);
    const Index first = blocks * part / parts * block_rows(width);
    const Index last = std::min(blocks * (part + 1) / parts * block_rows(width), rows);
    factors[i] = factor_of(views, first, last, width);
  });
  Part batch = std::move(factors[0]);
  for (std::size_t i = 1; i < factors.size(); ++i) {
    join(batch, std::move(factors[i]));
  }
  if (!is_finite(batch)) {
    for (std::size_t i = 0; i < views.size(); ++i) {
      refuse_non_finite(*backend_, names[i], views[i]);
    }
  }
  if (blocks_.empty()) {
    commit(std::move(batch), added);
    return;
  }
  Part state = copy_of_state();
  join(state, std::move(batch));
  commit(std::move(state), added);
}

void QrFactor::merge(const QrFactor& other) {
  if (other.blocks_.empty()) {
    return;
  }
  if (blocks_.empty()) {
    *this = other.clone();
    return;
  }
  check_same_blocks(blocks_, other.blocks_);
  Part state = copy_of_state();
  join(state, other.copy_of_state());
  commit(std::move(state), other.blocks_);
}

// Throws where a state is not finite, or has lost its digits.
void QrFactor::check_range(const Part& state, std::span<const Block> blocks) const {
  if (!is_finite(state)) {
    throw ScaleError(
        "the samples hold values so large that sums overflow float64; divide "
        "them by a constant (correlations do not depend on it)");
  }
  const auto squares =
      backend_->weighted_squared_column_norms(state.factor, filled(state.factor.rows(), 1.0));
  const auto sizes = backend_->column_abs_sums(state.factor);
  Index first = 0;
  for (const Block& block : blocks) {
    const auto of_block = [&](const std::vector<double>& v) {
      return std::span(v).subspan(static_cast<std::size_t>(first), block.mean.size());
    };
    if (!std::isfinite(array(of_block(squares)).maxCoeff())) {
      refuse_large(block.name);
    }
    // Constants leave less than this behind when their mean is taken off.
    const double rounding =
        0x1p-48 * static_cast<double>(state.n) * array(of_block(state.mean)).abs().maxCoeff();
    if (squares_underflow(of_block(squares), state.n) &&
        array(of_block(sizes)).maxCoeff() > rounding) {
      refuse_small(block.name);
    }
    first += block.size();
  }
}

// Takes over a state to which samples of such blocks were added, or throws and leaves the present
// one.
void QrFactor::commit(Part state, std::span<const Block> added) {
  std::vector<Block> blocks = blocks_;
  if (blocks.empty()) {
    blocks.assign(added.begin(), added.end());
  }
  check_range(state, blocks);
  auto from = state.mean.begin();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    std::copy_n(from, blocks[i].size(), blocks[i].mean.begin());
    from += blocks[i].size();
    blocks[i].precision = coarser(blocks[i].precision, added[i].precision);
  }
  n_ = state.n;
  factor_ = std::move(state.factor);
  blocks_ = std::move(blocks);
}

bool QrFactor::is_finite(const Part& part) const {
  return array(backend_->diagonal(part.factor)).isFinite().all() &&
         array(part.mean).isFinite().all();
}

Matrix QrFactor::columns(Index i) const {
  auto cols = index_range(block(i).size());
  const Index first = width_of(std::span(blocks_).first(static_cast<std::size_t>(i)));
  for (Index& c : cols) {
    c += first;
  }
  return backend_->columns(factor_, cols);
}

QrFactor QrFactor::clone() const {
  QrFactor out(*backend_);
  out.n_ = n_;
  out.blocks_ = blocks_;
  out.factor_ = backend_->copy(factor_);
  return out;
}

QrFactor QrFactor::restore(const Backend& backend, Index n, std::vector<Block> blocks,
                           Matrix factor) {
  const Index width = width_of(blocks);
  Eigen::MatrixXd entries(factor.rows(), factor.cols());
  backend.to_host(factor, entries.data());
  const Eigen::MatrixXd below = entries.triangularView<Eigen::StrictlyLower>();
  if ((below.array() != 0.0).any()) {
    throw std::invalid_argument("the stored factor is not upper triangular");
  }
  if (n < 0 || factor.rows() != width || factor.cols() != width || (n == 0) != blocks.empty()) {
    throw std::invalid_argument(
        "the stored factor does not fit together: counts, means and factor disagree in shape");
  }
  QrFactor out(backend);
  out.n_ = n;
  out.blocks_ = std::move(blocks);
  out.factor_ = std::move(factor);
  return out;
}

}  // namespace fastcca
