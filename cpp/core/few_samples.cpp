#include "core/few_samples.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/host_vectors.hpp"
#include "core/rank_rule.hpp"

namespace fastcca {

namespace {

// One side of a comparison: the directions that are compared, and their deviations.
struct SampledSide {
  SampleSpace space;
  std::vector<Index> kept;
  Eigen::ArrayXd deviations;
  Eigen::ArrayXd regularized;  // the same with the ridge added to their squares

  SampledSide(const SampledBlock& block, Decomposed by, const CcaOptions& options,
              const std::optional<Truncation>& keep)
      : space(block, keep ? Scale::kOwn : Scale::kUnit, by, options.rank_tolerance),
        kept(space.real) {
    const Eigen::ArrayXd all = array(space.singular) / std::sqrt(block.degrees());
    if (keep) {
      PrincipalAxes axes;
      axes.real = space.real;
      axes.variances = vector_of(all.square());
      kept = kept_axes(axes, *keep);
    }
    deviations = all(kept);
    regularized = (deviations.square() + options.ridge).sqrt();
  }

  const Backend& backend() const { return space.block->backend(); }

  // Whether the data hold more than their Gram matrix has left of them.
  bool loses(const std::optional<Truncation>& keep) const {
    const bool matters = !keep || wants_more(*keep, static_cast<Index>(space.real.size()));
    return (space.undecided && matters) ||
           rank_rule::loses_digits(space.condition(kept), space.block->units().input_epsilon);
  }

  // Orthonormal, or shorter with a ridge: (n, kept).
  Matrix basis() const {
    return backend().scaled_columns(space.left, kept, vector_of(deviations / regularized));
  }

  // With `turn`, which makes variates of the basis, where weights are asked for.
  CcaSideOf<double> side(const Matrix* turn) const {
    CcaSideOf<double> out;
    out.rank = static_cast<Index>(space.real.size());
    out.kept = static_cast<Index>(kept.size());
    out.condition = space.condition(kept);
    out.dead = space.block->units().dead();
    if (turn != nullptr) {
      out.weights = space.weights(kept, backend().scaled_rows(*turn, vector_of(1.0 / regularized)));
      out.loadings = space.loadings(
          kept, backend().scaled_rows(*turn, vector_of(deviations / regularized * deviations)));
    }
    return out;
  }
};

SampledSide side_of(const SampledBlock& block, Decomposed by, const CcaOptions& options,
                    const std::optional<Truncation>& keep) {
  if (block.is_wide() && by == Decomposed::kGram) {
    SampledSide side(block, Decomposed::kGram, options, keep);
    if (!side.loses(keep)) {
      return side;
    }
  }
  return {block, Decomposed::kData, options, keep};
}

bool both_vary(const SampledBlock& x, const SampledBlock& y) {
  return !x.units().live.empty() && !y.units().live.empty();
}

}  // namespace

Matrix complete_scores(const SampledBlock& block) {
  if (!block.is_wide()) {
    return block.features(block.factors(Scale::kOwn));
  }
  const SampleSpace space(block, Scale::kOwn, Decomposed::kGram, 0.0);
  if (!rank_rule::loses_digits(space.singular.front() / space.singular.back(), 0x1p-52)) {
    return space.scores();
  }
  return SampleSpace(block, Scale::kOwn, Decomposed::kData, 0.0).scores();
}

SampledCca solve_cca(const SampledBlock& x, const SampledBlock& y, const CcaOptions& options,
                     Decomposed by) {
  const Backend& backend = x.backend();
  const SampledSide of_x = side_of(x, by, options, options.x_keep);
  const SampledSide of_y = side_of(y, by, options, options.y_keep);
  Svd svd =
      backend.svd(backend.multiply(of_x.basis(), Transpose::kYes, of_y.basis(), Transpose::kNo));
  const Matrix v = backend.transposed(svd.vt);

  SampledCca out;
  out.solution.x = of_x.side(options.weights ? &svd.u : nullptr);
  out.solution.y = of_y.side(options.weights ? &v : nullptr);
  out.solution.set_correlations(std::move(svd.values));
  const auto of_data = [](const SampledSide& side) {
    return side.space.block->is_wide() && side.space.by == Decomposed::kData;
  };
  out.by = of_data(of_x) || of_data(of_y) ? Decomposed::kData : by;
  return out;
}

PlsSolution solve_pls(const SampledBlock& x, const SampledBlock& y) {
  const Backend& backend = x.backend();
  // Directions of the features where a block is wide, and its samples in these.
  struct Rotated {
    std::optional<SampleSpace> space;
    Matrix samples;

    explicit Rotated(const SampledBlock& block) {
      if (block.is_wide()) {
        space.emplace(block, Scale::kOwn, Decomposed::kData, 0.0);
      }
      samples = space ? space->scores() : block.features(block.factors(Scale::kOwn));
    }
    Matrix back(const Backend& backend, Matrix turn) const {
      return space ? backend.multiply(space->right, Transpose::kNo, turn, Transpose::kNo)
                   : std::move(turn);
    }
  };
  const Rotated of_x(x);
  const Rotated of_y(y);
  Svd svd =
      backend.svd(backend.multiply(of_x.samples, Transpose::kYes, of_y.samples, Transpose::kNo));
  array(svd.values) /= x.degrees();
  return {std::move(svd.values), of_x.back(backend, std::move(svd.u)),
          of_y.back(backend, backend.transposed(svd.vt))};
}

PrincipalAxes principal_axes(const SampledBlock& block, double rank_tolerance) {
  SampleSpace space(block, Scale::kOwn, Decomposed::kData, rank_tolerance);
  PrincipalAxes out;
  out.variances = space.variances();
  out.axes = std::move(space.right);
  out.real = std::move(space.real);
  return out;
}

double linear_cka(const SampledBlock& x, const SampledBlock& y) {
  if (!both_vary(x, y)) {
    return 0.0;
  }
  const Backend& backend = x.backend();
  const auto unit_gram = [&](const SampledBlock& block) {
    const Matrix gram = block.gram(block.factors(Scale::kOwn));
    return backend.scaled(gram, 1.0 / backend.frobenius_norm(gram));
  };
  const auto diagonal = backend.diagonal(
      backend.multiply(unit_gram(x), Transpose::kNo, unit_gram(y), Transpose::kNo));
  return std::clamp(array(diagonal).sum(), 0.0, 1.0);
}

double procrustes(const SampledBlock& x, const SampledBlock& y) {
  if (!both_vary(x, y)) {
    return 0.0;
  }
  const Backend& backend = x.backend();
  const auto unit_scores = [&](const SampledBlock& block) {
    return backend.scaled(complete_scores(block), 1.0 / block.norm());
  };
  const auto values = backend.singular_values(
      backend.multiply(unit_scores(x), Transpose::kYes, unit_scores(y), Transpose::kNo));
  return std::clamp(array(values).sum(), 0.0, 1.0);
}

Regression linear_regression(const SampledBlock& x, const SampledBlock& y, double rank_tolerance) {
  CcaOptions options;
  options.rank_tolerance = rank_tolerance;
  const SampledSide source = side_of(x, Decomposed::kGram, options, std::nullopt);
  if (source.kept.empty() || y.units().live.empty()) {
    return {};
  }
  const Backend& backend = x.backend();
  const Matrix basis = backend.columns(source.space.left, source.kept);
  double explained = 0.0;
  y.for_each_slice(y.factors(Scale::kOwn), [&](Index, const Matrix& features) {
    explained = std::hypot(explained, backend.frobenius_norm(backend.multiply(
                                          basis, Transpose::kYes, features, Transpose::kNo)));
  });
  const double share = explained / y.norm();
  return {std::clamp(share * share, 0.0, 1.0), source.space.condition(source.kept), 0};
}

}  // namespace fastcca
