#include "core/sample_space.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "core/errors.hpp"
#include "core/rank_rule.hpp"

namespace fastcca {

namespace {

// Float64 copies of features that are held at a time stay in cache.
constexpr Index kSliceBytes = Index{1} << 20;

std::vector<double> ones(Index n) { return std::vector<double>(static_cast<std::size_t>(n), 1.0); }

double sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

template <class Value>
std::span<const Value> part(std::span<const Value> of, Index first, Index count) {
  return of.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

// At least n / 8, so that products outweigh the passes over the Gram matrix that they are added to.
Index features_at_a_time(Index n) {
  return std::max({Index{1}, kSliceBytes / (Index{sizeof(double)} * n), n / 8});
}

}  // namespace

SampledBlock::SampledBlock(const Backend& backend, const std::string& name, const ArrayView& view)
    : backend_(&backend), view_(view) {
  const auto weights = ones(n_samples() + 1);
  const Index step = features_at_a_time(n_samples());
  for (Index first = 0; first < size(); first += step) {
    const CentredRows rows = read(first, std::min(step, size() - first));
    const auto squares = backend.weighted_squared_column_norms(rows.samples, weights);
    mean_.insert(mean_.end(), rows.mean.begin(), rows.mean.end());
    variances_.insert(variances_.end(), squares.begin(), squares.end());
  }
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!std::all_of(mean_.begin(), mean_.end(), finite) || !std::isfinite(sum(variances_))) {
    refuse_non_finite(backend, name, view);
    throw ScaleError(name +
                     " holds values so large that their squares overflow float64; divide it by a "
                     "constant");
  }
  if (squares_underflow(variances_, n_samples()) && backend.largest_deviation(view) > 0.0) {
    throw ScaleError(name +
                     " varies by so little that squares underflow float64; multiply it by a "
                     "constant");
  }
  for (std::size_t j = 0; j < mean_.size(); ++j) {
    variances_[j] /= degrees();
    energy_.push_back(mean_[j] * mean_[j] + variances_[j]);
  }
  live_ = rank_rule::live_units(variances_, energy_, input_epsilon());
}

double SampledBlock::norm() const {
  double variance = 0.0;
  for (const Index j : live_) {
    variance += variances_[static_cast<std::size_t>(j)];
  }
  return std::sqrt(variance * degrees());
}

std::vector<double> SampledBlock::factors(Scale scale) const {
  std::vector<double> out(mean_.size(), 0.0);
  for (const Index j : live_) {
    const auto k = static_cast<std::size_t>(j);
    out[k] = scale == Scale::kUnit ? 1.0 / std::sqrt(variances_[k]) : 1.0;
  }
  return out;
}

std::vector<double> SampledBlock::noise(std::span<const double> factors) const {
  std::vector<double> out(mean_.size(), 0.0);
  for (const Index j : live_) {
    const auto k = static_cast<std::size_t>(j);
    out[k] = rank_rule::noise_variance(energy_[k] * factors[k] * factors[k], input_epsilon());
  }
  return out;
}

CentredRows SampledBlock::read(Index first, Index count) const {
  ArrayView some = view_;
  some.data += first * view_.col_stride;
  some.cols = count;
  return backend_->read_centred(std::span(&some, 1), 0, n_samples());
}

// Without the row that is zero.
Matrix SampledBlock::scaled(const Matrix& rows, std::span<const double> factors) const {
  return backend_->scaled_submatrix(rows, index_range(n_samples()), ones(n_samples()),
                                    index_range(rows.cols()), factors);
}

Matrix SampledBlock::features(std::span<const double> factors) const {
  return scaled(read(0, size()).samples, factors);
}

void SampledBlock::for_each_slice(
    std::span<const double> factors,
    const std::function<void(Index first, const Matrix& features)>& visit) const {
  const Index step = features_at_a_time(n_samples());
  for (Index first = 0; first < size(); first += step) {
    const Index count = std::min(step, size() - first);
    visit(first, scaled(read(first, count).samples, part(factors, first, count)));
  }
}

Matrix SampledBlock::gram(std::span<const double> factors) const {
  Matrix out = backend_->zeros(n_samples(), n_samples());
  for_each_slice(factors,
                 [&](Index, const Matrix& features) { backend_->add_gram(out, features); });
  return out;
}

Matrix SampledBlock::products(std::span<const double> factors, const Matrix& columns) const {
  Matrix out = backend_->zeros(size(), columns.cols());
  for_each_slice(factors, [&](Index first, const Matrix& features) {
    backend_->set_rows(out, first,
                       backend_->multiply(features, Transpose::kYes, columns, Transpose::kNo));
  });
  return out;
}

std::vector<SampledBlock> sampled_blocks(const Backend& backend, std::span<const std::string> names,
                                         std::span<const ArrayView> views) {
  check_batch({}, names, views);
  if (views[0].rows < 2) {
    const bool one = names.size() == 1;
    throw std::invalid_argument("a comparison needs at least 2 samples, but " + names[0] +
                                (one ? " has 1" : " and " + names[1] + " have 1"));
  }
  std::vector<SampledBlock> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out.emplace_back(backend, names[i], views[i]);
  }
  return out;
}

SampleSpace::SampleSpace(const SampledBlock& of, Scale scale, Decomposed how, double rank_tolerance)
    : block(&of), by(how), factors(of.factors(scale)) {
  const auto n = static_cast<std::size_t>(of.n_samples());
  const double lost = rank_rule::factor_floor(n);  // a share of the largest singular value
  const double largest_share = by == Decomposed::kGram ? std::sqrt(lost) : lost;
  if (by == Decomposed::kGram) {
    decompose_gram(rank_tolerance);
  } else {
    decompose_data();
  }
  const double floor = std::max(largest_share, rank_tolerance) * singular.front();
  const auto noise = of.noise(factors);
  const double most_noise = *std::max_element(noise.begin(), noise.end());
  const auto variance = [&](Index k) {
    const double s = singular[static_cast<std::size_t>(k)];
    return s * s / of.degrees();
  };
  for (Index k = 0; k < left.cols() && singular[static_cast<std::size_t>(k)] > floor; ++k) {
    real.push_back(k);
  }
  if (!real.empty() && variance(real.back()) <= most_noise) {
    const auto along = noise_along(noise);
    std::erase_if(real, [&](Index k) { return variance(k) <= along[static_cast<std::size_t>(k)]; });
  }
}

void SampleSpace::decompose_gram(double rank_tolerance) {
  const Backend& backend = block->backend();
  const Index n = block->n_samples();
  auto eigen = backend.eigh(block->gram(factors));
  // In descending order, without the last one: its dimension is the mean's.
  std::vector<Index> order;
  for (Index k = n - 1; k > 0; --k) {
    order.push_back(k);
    singular.push_back(std::sqrt(std::max(eigen.values[static_cast<std::size_t>(k)], 0.0)));
  }
  left = backend.scaled_columns(eigen.vectors, order, ones(n - 1));
  const double largest = singular.front() * singular.front();
  const double lost = rank_rule::factor_floor(static_cast<std::size_t>(n)) * largest;
  double least_noise = std::numeric_limits<double>::infinity();
  const auto noise = block->noise(factors);
  for (const Index j : block->live()) {
    least_noise = std::min(least_noise, noise[static_cast<std::size_t>(j)]);
  }
  undecided = singular.back() * singular.back() <= lost && block->degrees() * least_noise < lost &&
              rank_tolerance * rank_tolerance * largest < lost;
}

void SampleSpace::decompose_data() {
  // Transposed, since the QR of a tall matrix is faster than the LQ of a wide one.
  const Backend& backend = block->backend();
  Svd svd = backend.svd(backend.transposed(block->features(factors)));
  left = backend.transposed(svd.vt);
  singular = std::move(svd.values);
  right = std::move(svd.u);
}

// The variance along each direction that rounding of the input explains, (m,).
std::vector<double> SampleSpace::noise_along(std::span<const double> noise) const {
  const Backend& backend = block->backend();
  if (by == Decomposed::kData) {
    return backend.weighted_squared_column_norms(right, noise);
  }
  std::vector<double> inverse;
  for (const double s : singular) {
    inverse.push_back(s > 0.0 ? 1.0 / s : 1.0);
  }
  const Matrix turned = backend.scaled_columns(left, index_range(left.cols()), inverse);
  std::vector<double> out(singular.size(), 0.0);
  block->for_each_slice(factors, [&](Index first, const Matrix& features) {
    const auto some = backend.weighted_squared_column_norms(
        backend.multiply(features, Transpose::kYes, turned, Transpose::kNo),
        part(noise, first, features.cols()));
    std::transform(out.begin(), out.end(), some.begin(), out.begin(), std::plus<>());
  });
  return out;
}

double SampleSpace::condition(std::span<const Index> kept) const {
  return kept.empty() ? 1.0
                      : singular[static_cast<std::size_t>(kept.front())] /
                            singular[static_cast<std::size_t>(kept.back())];
}

Matrix SampleSpace::scores() const {
  return block->backend().scaled_columns(left, index_range(left.cols()), singular);
}

Matrix SampleSpace::weights(std::span<const Index> kept, const Matrix& combinations) const {
  return directions(kept, combinations, factors);
}

Matrix SampleSpace::loadings(std::span<const Index> kept, const Matrix& combinations) const {
  std::vector<double> deviations;
  for (const double factor : factors) {
    deviations.push_back(factor > 0.0 ? 1.0 / factor : 0.0);
  }
  return directions(kept, combinations, deviations);
}

Matrix SampleSpace::directions(std::span<const Index> kept, const Matrix& combinations,
                               std::span<const double> row_factors) const {
  const Backend& backend = block->backend();
  if (by == Decomposed::kData) {
    const Matrix chosen = backend.scaled_submatrix(right, index_range(block->size()), row_factors,
                                                   kept, ones(static_cast<Index>(kept.size())));
    return backend.multiply(chosen, Transpose::kNo, combinations, Transpose::kNo);
  }
  std::vector<double> inverse;
  for (const Index i : kept) {
    inverse.push_back(1.0 / singular[static_cast<std::size_t>(i)]);
  }
  std::vector<double> both;
  std::transform(factors.begin(), factors.end(), row_factors.begin(), std::back_inserter(both),
                 std::multiplies<>());
  return block->products(both, backend.multiply(backend.scaled_columns(left, kept, inverse),
                                                Transpose::kNo, combinations, Transpose::kNo));
}

}  // namespace fastcca
