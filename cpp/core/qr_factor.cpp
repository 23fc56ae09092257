#include "core/qr_factor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "core/errors.hpp"
#include "core/interrupt.hpp"

namespace fastcca {

namespace {

// Samples per block: enough that a block costs more to fold in than its call.
Index block_rows(Index width) { return std::max<Index>(4 * width, 1024); }

// A constant, so that the result does not depend on the number of threads.
constexpr Index kParts = 4;

double largest_magnitude(std::span<const double> values) {
  double out = 0.0;
  for (const double v : values) {
    out = std::max(out, std::abs(v));
  }
  return out;
}

}  // namespace

QrFactor::Part QrFactor::factor_of(std::span<const ArrayView> views, Index first, Index last,
                                   Index width) const {
  Part part{0, std::vector<double>(static_cast<std::size_t>(width), 0.0),
            backend_->zeros(width, width)};
  for (Index row = first; row < last; row += block_rows(width)) {
    throw_if_interrupted();
    const Index count = std::min(block_rows(width), last - row);
    CentredRows rows = backend_->read_centred(views, row, count);
    const double n_there = static_cast<double>(count);
    const double n_both = static_cast<double>(part.n) + n_there;
    const double weight = std::sqrt(static_cast<double>(part.n) / n_both * n_there);
    std::vector<double> difference(part.mean.size());
    for (std::size_t k = 0; k < part.mean.size(); ++k) {
      difference[k] = rows.mean[k] - part.mean[k];
      part.mean[k] += difference[k] * (n_there / n_both);
      difference[k] *= weight;
    }
    backend_->set_row(rows.samples, count, difference);
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
  const double n_here = static_cast<double>(into.n);
  const double n_there = static_cast<double>(from.n);
  const double weight = std::sqrt(n_here / (n_here + n_there) * n_there);
  std::vector<double> difference(into.mean.size());
  for (std::size_t k = 0; k < difference.size(); ++k) {
    difference[k] = from.mean[k] - into.mean[k];
    into.mean[k] += difference[k] * (n_there / (n_here + n_there));
    difference[k] *= weight;
  }
  const std::vector<double> ones(difference.size(), 1.0);
  Matrix rows = backend_->scattered_rows(from.factor, index_range(width), ones, width + 1);
  backend_->set_row(rows, width, difference);
  backend_->fold_into(into.factor, std::move(rows));
  into.n = n_joint;
}

std::vector<double> QrFactor::joint_mean() const {
  std::vector<double> out;
  for (const Block& block : blocks_) {
    out.insert(out.end(), block.mean.begin(), block.mean.end());
  }
  return out;
}

void QrFactor::update(std::span<const std::string> names, std::span<const ArrayView> views,
                      int threads) {
  check_batch(blocks_, names, views);
  Index width = 0;
  for (const ArrayView& view : views) {
    width += view.cols;
  }
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
  for (std::size_t i = 1; i < factors.size(); ++i) {
    join(factors[0], std::move(factors[i]));
  }
  if (!is_finite(factors[0])) {
    for (std::size_t i = 0; i < views.size(); ++i) {
      refuse_non_finite(*backend_, names[i], views[i]);
    }
  }

  std::vector<Precision> precisions;
  for (const ArrayView& view : views) {
    precisions.push_back(precision_of(view));
  }
  Part state;
  if (blocks_.empty()) {
    state = std::move(factors[0]);
  } else {
    state = {n_, joint_mean(), backend_->copy(factor_)};
    join(state, std::move(factors[0]));
  }
  if (blocks_.empty()) {
    std::vector<Block> named;
    for (std::size_t i = 0; i < names.size(); ++i) {
      named.push_back(
          {names[i], std::vector<double>(static_cast<std::size_t>(views[i].cols)), precisions[i]});
    }
    commit(std::move(state), std::move(named), precisions);
  } else {
    commit(std::move(state), blocks_, precisions);
  }
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
  Part state{n_, joint_mean(), backend_->copy(factor_)};
  join(state, {other.n_, other.joint_mean(), backend_->copy(other.factor_)});
  std::vector<Precision> precisions;
  for (const Block& block : other.blocks_) {
    precisions.push_back(block.precision);
  }
  commit(std::move(state), blocks_, precisions);
}

// Takes over a state that is finite, or throws and leaves the present one.
void QrFactor::commit(Part state, std::vector<Block> blocks,
                      std::span<const Precision> precisions) {
  if (!is_finite(state)) {
    throw ScaleError(
        "the samples hold values so large that sums overflow float64; divide "
        "them by a constant (correlations do not depend on it)");
  }
  const std::vector<double> ones(state.mean.size(), 1.0);
  const auto squares = backend_->weighted_squared_column_norms(state.factor, ones);
  const auto sizes = backend_->column_abs_sums(state.factor);
  Index first = 0;
  for (const Block& block : blocks) {
    const auto of_block = [&](const std::vector<double>& v) {
      return std::span(v).subspan(static_cast<std::size_t>(first), block.mean.size());
    };
    const auto largest = [](std::span<const double> v) {
      return *std::max_element(v.begin(), v.end());
    };
    if (!std::isfinite(largest(of_block(squares)))) {
      refuse_large(block.name);
    }
    // Constants leave less than this behind when their mean is taken off.
    const double rounding =
        0x1p-48 * static_cast<double>(state.n) *
        largest_magnitude(
            std::span(state.mean).subspan(static_cast<std::size_t>(first), block.mean.size()));
    if (squares_underflow(of_block(squares), state.n) && largest(of_block(sizes)) > rounding) {
      refuse_small(block.name);
    }
    first += block.size();
  }
  auto from = state.mean.begin();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto size = static_cast<std::ptrdiff_t>(blocks[i].mean.size());
    std::copy_n(from, size, blocks[i].mean.begin());
    from += size;
    blocks[i].precision = coarser(blocks[i].precision, precisions[i]);
  }
  n_ = state.n;
  factor_ = std::move(state.factor);
  blocks_ = std::move(blocks);
}

bool QrFactor::is_finite(const Part& part) const {
  const auto finite = [](double d) { return std::isfinite(d); };
  const auto diagonal = backend_->diagonal(part.factor);
  return std::all_of(diagonal.begin(), diagonal.end(), finite) &&
         std::all_of(part.mean.begin(), part.mean.end(), finite);
}

Matrix QrFactor::columns(Index i) const {
  Index first = 0;
  for (Index k = 0; k < i; ++k) {
    first += block(k).size();
  }
  auto cols = index_range(block(i).size());
  for (Index& c : cols) {
    c += first;
  }
  const std::vector<double> ones(cols.size(), 1.0);
  return backend_->scaled_columns(factor_, cols, ones);
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
  Index width = 0;
  for (const Block& block : blocks) {
    width += block.size();
  }
  std::vector<double> entries(static_cast<std::size_t>(factor.rows() * factor.cols()));
  backend.to_host(factor, entries.data());
  for (Index j = 0; j < factor.cols(); ++j) {
    for (Index i = j + 1; i < factor.rows(); ++i) {
      if (entries[static_cast<std::size_t>(i + j * factor.rows())] != 0.0) {
        throw std::invalid_argument("the stored factor is not upper triangular");
      }
    }
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
