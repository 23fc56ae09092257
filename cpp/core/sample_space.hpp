// A block in the coordinates of its own samples, for more features than samples.
//
// n samples lie in at most n - 1 dimensions around their mean, however many features there are.
// With the centred block Z = U S V', every measure of the p features is one of the n or fewer
// columns of U S: what belongs to features is found by V afterwards. Nothing of size (p, p) is
// needed.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/batch.hpp"
#include "core/units.hpp"

namespace fastcca {

// Whether features keep the scale they have, or are brought to unit variance.
enum class Scale : std::uint8_t { kOwn, kUnit };

// Samples that stay where the caller has them, and are read a few features at a time as often as
// they are needed.
class SampledBlock {
 public:
  // Reads all of them once. Throws where a value is not finite, or where squares leave the range of
  // float64; `name` is what errors call the block.
  SampledBlock(const Backend& backend, const std::string& name, const ArrayView& view);

  const Backend& backend() const { return *backend_; }
  Index n_samples() const { return view_.rows; }
  Index size() const { return view_.cols; }
  bool is_wide() const { return view_.rows < view_.cols; }
  double degrees() const { return static_cast<double>(view_.rows - 1); }
  const std::vector<double>& mean() const { return mean_; }
  const Units& units() const { return units_; }
  // The root of the summed squares of all live features around their means.
  double norm() const;

  // What every feature (p,) is multiplied by; 0 takes a dead one out of all that follows.
  std::vector<double> factors(Scale scale) const;
  // The variance of every feature (p,), so multiplied, that the rounding of its values explains.
  std::vector<double> noise(Scale scale) const;

  // The features centred and multiplied by factors (p,): all at once (n, p), or a few at a time.
  Matrix features(std::span<const double> factors) const;
  void for_each_slice(std::span<const double> factors,
                      const std::function<void(Index first, const Matrix& features)>& visit) const;
  // Their inner products between samples, (n, n).
  Matrix gram(std::span<const double> factors) const;
  // Their inner products with columns over samples: (p, k) of (n, k).
  Matrix products(std::span<const double> factors, const Matrix& columns) const;

 private:
  Units read_units(const std::string& name);
  CentredRows read(Index first, Index count) const;
  Matrix scaled(const Matrix& rows, std::span<const double> factors) const;

  const Backend* backend_;
  ArrayView view_;
  std::vector<double> mean_;  // (p,)
  Units units_;
};

// Samples of all blocks belong together, two of them at least.
std::vector<SampledBlock> sampled_blocks(const Backend& backend, std::span<const std::string> names,
                                         std::span<const ArrayView> views);

// How a block is decomposed: by the eigenvectors of its Gram matrix, which is fast and squares the
// condition, or by its own singular vectors.
enum class Decomposed : std::uint8_t { kGram, kData };

struct SampleSpace {
  SampleSpace(const SampledBlock& of, Scale in, Decomposed how, double rank_tolerance);

  const SampledBlock* block;
  Scale scale;
  Decomposed by;
  std::vector<double> factors;   // of the features, (p,)
  Matrix left;                   // (n, m), orthonormal columns
  std::vector<double> singular;  // (m,), descending
  Matrix right;                  // (p, m), orthonormal; only where the data were decomposed
  std::vector<Index> real;       // directions that are more than the rounding of the input
  bool undecided = false;  // whether the Gram matrix has lost a direction that the data could hold

  // The variance of the samples along each direction, (m,).
  std::vector<double> variances() const;
  // The ratio of the largest to the smallest singular value of some directions, 1 of none.
  double condition(std::span<const Index> kept) const;
  // The samples in these coordinates, (n, m).
  Matrix scores() const;
  // Weights of all features (p, k) from those of some directions (kept, k), whose samples have the
  // variance of the data; and covariances of the features from covariances of the directions.
  Matrix weights(std::span<const Index> kept, const Matrix& combinations) const;
  Matrix loadings(std::span<const Index> kept, const Matrix& combinations) const;

 private:
  void decompose_gram(double rank_tolerance);
  void decompose_data();
  std::vector<double> noise_along(std::span<const double> noise) const;
  // V times combinations, its rows multiplied by `row_factors` (p,).
  Matrix directions(std::span<const Index> kept, const Matrix& combinations,
                    std::span<const double> row_factors) const;
};

}  // namespace fastcca
