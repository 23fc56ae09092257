#include "core/few_samples.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/accuracy.hpp"
#include "core/units.hpp"

namespace fastcca {

namespace {

std::vector<double> ones(std::size_t n) { return std::vector<double>(n, 1.0); }

// One side of a comparison: the directions that are compared, and their deviations.
struct SampledSide {
  SampleSpace space;
  std::vector<Index> kept;
  std::vector<double> deviations;

  SampledSide(const SampledBlock& block, Decomposed by, double rank_tolerance,
              const std::optional<Truncation>& keep)
      : space(block, keep ? Scale::kOwn : Scale::kUnit, by, rank_tolerance), kept(space.real) {
    for (const double s : space.singular) {
      deviations.push_back(s / std::sqrt(block.degrees()));
    }
    if (keep) {
      PrincipalAxes axes;
      axes.real = space.real;
      for (const double d : deviations) {
        axes.variances.push_back(d * d);
      }
      kept = kept_axes(axes, *keep);
    }
  }

  // Whether the data hold more than their Gram matrix has left of them.
  bool loses(const std::optional<Truncation>& keep) const {
    const bool matters = !keep || wants_more(*keep, static_cast<Index>(space.real.size()));
    return (space.undecided && matters) ||
           loses_digits(space.condition(kept), space.block->input_epsilon());
  }

  // f(deviation) of every direction that is compared.
  template <class F>
  std::vector<double> of_kept(F f) const {
    std::vector<double> out;
    for (const Index k : kept) {
      out.push_back(f(deviations[static_cast<std::size_t>(k)]));
    }
    return out;
  }

  CcaSideOf<double> side(const Matrix* turn, double ridge) const {
    CcaSideOf<double> out;
    out.rank = static_cast<Index>(space.real.size());
    out.kept = static_cast<Index>(kept.size());
    out.condition = space.condition(kept);
    out.dead = all_but(space.block->live(), space.block->size());
    if (turn != nullptr) {
      const Backend& backend = space.block->backend();
      const auto scaled = [&](const std::vector<double>& factors) {
        return backend.scaled_submatrix(*turn, index_range(turn->rows()), factors,
                                        index_range(turn->cols()),
                                        ones(static_cast<std::size_t>(turn->cols())));
      };
      const auto root = [ridge](double d) { return std::sqrt(d * d + ridge); };
      out.weights = space.weights(kept, scaled(of_kept([&](double d) { return 1.0 / root(d); })));
      out.loadings =
          space.loadings(kept, scaled(of_kept([&](double d) { return d / root(d) * d; })));
    }
    return out;
  }
};

SampledSide side_of(const SampledBlock& block, Decomposed by, double rank_tolerance,
                    const std::optional<Truncation>& keep) {
  if (block.is_wide() && by == Decomposed::kGram) {
    SampledSide side(block, Decomposed::kGram, rank_tolerance, keep);
    if (!side.loses(keep)) {
      return side;
    }
  }
  return {block, Decomposed::kData, rank_tolerance, keep};
}

bool both_vary(const SampledBlock& x, const SampledBlock& y) {
  return !x.live().empty() && !y.live().empty();
}

}  // namespace

Matrix complete_scores(const SampledBlock& block) {
  if (!block.is_wide()) {
    return block.features(block.factors(Scale::kOwn));
  }
  const SampleSpace space(block, Scale::kOwn, Decomposed::kGram, 0.0);
  if (!loses_digits(space.singular.front() / space.singular.back(), 0x1p-52)) {
    return space.scores();
  }
  return SampleSpace(block, Scale::kOwn, Decomposed::kData, 0.0).scores();
}

SampledCca solve_cca(const SampledBlock& x, const SampledBlock& y, const CcaOptions& options,
                     Decomposed by) {
  const Backend& backend = x.backend();
  const SampledSide of_x = side_of(x, by, options.rank_tolerance, options.x_keep);
  const SampledSide of_y = side_of(y, by, options.rank_tolerance, options.y_keep);
  // Of unit variance, or less with a ridge.
  const auto basis = [&](const SampledSide& side) {
    return backend.scaled_columns(side.space.left, side.kept, side.of_kept([&](double d) {
      return d / std::sqrt(d * d + options.ridge);
    }));
  };
  Svd svd =
      backend.svd(backend.multiply(basis(of_x), Transpose::kYes, basis(of_y), Transpose::kNo));
  const Matrix v = backend.transposed(svd.vt);

  SampledCca out;
  out.solution.x = of_x.side(options.weights ? &svd.u : nullptr, options.ridge);
  out.solution.y = of_y.side(options.weights ? &v : nullptr, options.ridge);
  for (const double s : svd.values) {
    const double rho = std::clamp(s, 0.0, 1.0);
    out.solution.correlations.push_back(rho);
    out.solution.sum_of_squares += rho * rho;
  }
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
  for (double& s : svd.values) {
    s /= x.degrees();
  }
  return {std::move(svd.values), of_x.back(backend, std::move(svd.u)),
          of_y.back(backend, backend.transposed(svd.vt))};
}

PrincipalAxes principal_axes(const SampledBlock& block, double rank_tolerance) {
  SampleSpace space(block, Scale::kOwn, Decomposed::kData, rank_tolerance);
  PrincipalAxes out;
  for (const double s : space.singular) {
    out.variances.push_back(s * s / block.degrees());
  }
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
    const std::vector<double> scale(static_cast<std::size_t>(gram.cols()),
                                    1.0 / backend.frobenius_norm(gram));
    return backend.scaled_columns(gram, index_range(gram.cols()), scale);
  };
  const auto diagonal = backend.diagonal(
      backend.multiply(unit_gram(x), Transpose::kNo, unit_gram(y), Transpose::kNo));
  return std::clamp(std::accumulate(diagonal.begin(), diagonal.end(), 0.0), 0.0, 1.0);
}

double procrustes(const SampledBlock& x, const SampledBlock& y) {
  if (!both_vary(x, y)) {
    return 0.0;
  }
  const Backend& backend = x.backend();
  const auto unit_scores = [&](const SampledBlock& block) {
    const Matrix scores = complete_scores(block);
    const std::vector<double> scale(static_cast<std::size_t>(scores.cols()), 1.0 / block.norm());
    return backend.scaled_columns(scores, index_range(scores.cols()), scale);
  };
  const auto values = backend.singular_values(
      backend.multiply(unit_scores(x), Transpose::kYes, unit_scores(y), Transpose::kNo));
  return std::clamp(std::accumulate(values.begin(), values.end(), 0.0), 0.0, 1.0);
}

Regression linear_regression(const SampledBlock& x, const SampledBlock& y, double rank_tolerance) {
  const SampledSide source = side_of(x, Decomposed::kGram, rank_tolerance, std::nullopt);
  if (source.kept.empty() || y.live().empty()) {
    return {};
  }
  const Backend& backend = x.backend();
  const Matrix basis =
      backend.scaled_columns(source.space.left, source.kept, ones(source.kept.size()));
  double explained = 0.0;
  y.for_each_slice(y.factors(Scale::kOwn), [&](Index, const Matrix& features) {
    explained = std::hypot(explained, backend.frobenius_norm(backend.multiply(
                                          basis, Transpose::kYes, features, Transpose::kNo)));
  });
  const double share = explained / y.norm();
  return {std::clamp(share * share, 0.0, 1.0), source.space.condition(source.kept), 0};
}

}  // namespace fastcca
