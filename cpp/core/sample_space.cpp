#include "core/sample_space.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/host_vectors.hpp"
#include "core/rank_rule.hpp"

namespace fastcca {

namespace {

// Float64 copies of features that are held at a time stay in cache.
constexpr Index kSliceBytes = Index{1} << 20;

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
    : backend_(&backend), view_(view), units_(read_units(name)) {}

// Finds the means as well.
Units SampledBlock::read_units(const std::string& name) {
  std::vector<double> squares;
  const auto weights = filled(n_samples() + 1, 1.0);
  const Index step = features_at_a_time(n_samples());
  for (Index first = 0; first < size(); first += step) {
    const CentredRows rows = read(first, std::min(step, size() - first));
    const auto some = backend_->weighted_squared_column_norms(rows.samples, weights);
    mean_.insert(mean_.end(), rows.mean.begin(), rows.mean.end());
    squares.insert(squares.end(), some.begin(), some.end());
  }
  if (!array(mean_).isFinite().all() || !std::isfinite(array(squares).sum())) {
    refuse_non_finite(*backend_, name, view_);
    refuse_large(name, "");
  }
  if (squares_underflow(squares, n_samples()) && backend_->largest_deviation(view_) > 0.0) {
    refuse_small(name, "");
  }
  array(squares) /= degrees();
  auto energy = vector_of(array(mean_).square() + array(squares));
  return {std::move(squares), std::move(energy), epsilon(precision_of(view_))};
}

double SampledBlock::norm() const {
  return std::sqrt(array(units_.variances)(units_.live).sum() * degrees());
}

std::vector<double> SampledBlock::factors(Scale scale) const {
  auto out = filled(size(), 0.0);
  array(out)(units_.live) = scale == Scale::kUnit
                                ? array(units_.inverse_scale()).eval()
                                : Eigen::ArrayXd::Ones(static_cast<Index>(units_.live.size()));
  return out;
}

std::vector<double> SampledBlock::noise(Scale scale) const {
  auto out = filled(size(), 0.0);
  const auto of_live = scale == Scale::kUnit ? units_.unit_noise() : units_.noise();
  array(out)(units_.live) = array(of_live);
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
  return backend_->scaled_submatrix(rows, index_range(n_samples()), filled(n_samples(), 1.0),
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

SampleSpace::SampleSpace(const SampledBlock& of, Scale in, Decomposed how, double rank_tolerance)
    : block(&of), scale(in), by(how), factors(of.factors(in)) {
  const auto n = static_cast<std::size_t>(of.n_samples());
  if (by == Decomposed::kGram) {
    decompose_gram(rank_tolerance);
  } else {
    decompose_data();
  }
  const auto floors = by == Decomposed::kGram
                          ? rank_rule::floors_of_covariance(n, 0x1p-52, rank_tolerance)
                          : rank_rule::floors_of_factor(n, rank_tolerance);
  const auto along = variances();
  const auto noise = of.noise(scale);
  real = rank_rule::decide(along, filled(left.cols(), 0.0), floors).kept;
  // What stands above the noise of every feature does so along any direction.
  if (!real.empty() && along[static_cast<std::size_t>(real.back())] <= array(noise).maxCoeff()) {
    real = rank_rule::decide(along, noise_along(noise), floors).kept;
  }
}

void SampleSpace::decompose_gram(double rank_tolerance) {
  const Backend& backend = block->backend();
  const Index n = block->n_samples();
  const auto eigen = backend.eigh(block->gram(factors));
  // In descending order, without the last one: its dimension is the mean's.
  auto order = index_range(n);
  std::reverse(order.begin(), order.end());
  order.pop_back();
  left = backend.columns(eigen.vectors, order);
  singular = vector_of(array(eigen.values)(order).max(0.0).sqrt());
  const double largest = singular.front() * singular.front();
  const double lost = rank_rule::factor_floor(static_cast<std::size_t>(n)) * largest;
  const auto noise = block->noise(scale);
  const auto& live = block->units().live;
  undecided = !live.empty() && singular.back() * singular.back() <= lost &&
              block->degrees() * array(noise)(live).minCoeff() < lost &&
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
  const auto s = array(singular);
  const Matrix turned = backend.scaled_columns(left, vector_of((s > 0.0).select(1.0 / s, 1.0)));
  auto out = filled(left.cols(), 0.0);
  block->for_each_slice(factors, [&](Index first, const Matrix& features) {
    array(out) += array(backend.weighted_squared_column_norms(
        backend.multiply(features, Transpose::kYes, turned, Transpose::kNo),
        part(noise, first, features.cols())));
  });
  return out;
}

std::vector<double> SampleSpace::variances() const {
  return vector_of(array(singular).square() / block->degrees());
}

double SampleSpace::condition(std::span<const Index> kept) const {
  return kept.empty() ? 1.0
                      : singular[static_cast<std::size_t>(kept.front())] /
                            singular[static_cast<std::size_t>(kept.back())];
}

Matrix SampleSpace::scores() const { return block->backend().scaled_columns(left, singular); }

Matrix SampleSpace::weights(std::span<const Index> kept, const Matrix& combinations) const {
  return directions(kept, combinations, factors);
}

Matrix SampleSpace::loadings(std::span<const Index> kept, const Matrix& combinations) const {
  const auto f = array(factors);
  return directions(kept, combinations, vector_of((f > 0.0).select(1.0 / f, 0.0)));
}

Matrix SampleSpace::directions(std::span<const Index> kept, const Matrix& combinations,
                               std::span<const double> row_factors) const {
  const Backend& backend = block->backend();
  if (by == Decomposed::kData) {
    return backend.multiply(backend.scaled_rows(backend.columns(right, kept), row_factors),
                            Transpose::kNo, combinations, Transpose::kNo);
  }
  const auto inverse = vector_of(1.0 / array(singular)(kept));
  return block->products(vector_of(array(factors) * array(row_factors)),
                         backend.multiply(backend.scaled_columns(left, kept, inverse),
                                          Transpose::kNo, combinations, Transpose::kNo));
}

}  // namespace fastcca
