// Moments that accumulate small batches together: threads to start, products to allocate and a
// scatter to add cost the same for few samples as for many.
#pragma once

#include <optional>

#include "core/moments.hpp"
#include "core/staging_area.hpp"

namespace fastcca {

// What a user sees is that of Moments: every batch is checked when it comes, and counts from then
// on. Copies of small batches wait in an area whose size follows from the features and the dtypes
// alone, until it is full or the state is read.
class StagedMoments {
 public:
  static constexpr int kFormatVersion = Moments::kFormatVersion;

  // `capacity`: samples in the area, in place of what is worth it.
  // NOLINTNEXTLINE(google-explicit-constructor): it is one.
  StagedMoments(Moments moments, std::optional<Index> capacity = {});

  // Adds a batch, as Moments::update does.
  void update(std::span<const std::string> names, std::span<const ArrayView> views, int threads = 0,
              const KeptPairs& kept = {});
  // Does so without an area, for states that are many.
  void update_directly(std::span<const std::string> names, std::span<const ArrayView> views,
                       int threads, const KeptPairs& kept = {});
  void merge(const StagedMoments& other);

  // The moments of all batches. It accumulates those that wait, which may throw: they wait on
  // then. Like all that is const here but what follows, it is not for several threads at once. It
  // may be called again while it runs, by a check for interrupts.
  const Moments& settled() const;
  const Block& block(Index i) const { return settled().block(i); }
  StagedMoments clone() const { return {settled().clone(), capacity_}; }

  // What needs no accumulation to be known.
  Index n_samples() const { return moments_.n_samples() + area_.rows(); }
  Index block_count() const { return moments_.block_count(); }
  Products products() const { return moments_.products(); }
  const KeptPairs& kept() const { return moments_.kept(); }
  std::vector<std::string> block_names() const { return names_of(moments_.blocks()); }
  const Backend& backend() const { return moments_.backend(); }

 private:
  bool stage(std::span<const std::string> names, std::span<const ArrayView> views, int threads,
             const KeptPairs& kept);
  // Samples in the area, and of a batch that goes there.
  struct Limits {
    Index area = 0;
    Index batch = 0;
  };
  Limits limits_for(std::span<const ArrayView> views) const;
  void accumulate_staged(int threads) const;

  mutable Moments moments_;  // without what is in the area
  mutable StagingArea area_;
  mutable int readers_ = 0;  // of the area
  std::optional<Index> capacity_;
};

}  // namespace fastcca
