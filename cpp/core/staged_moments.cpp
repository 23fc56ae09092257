#include "core/staged_moments.hpp"

#include <algorithm>

#include "core/accumulation_rules.hpp"
#include "core/host_vectors.hpp"

namespace fastcca {

namespace {

// Samples and products of samples whose accumulation takes long beside what it costs to begin and
// to end with it.
constexpr Index kWorthwhileRows = 16384;
constexpr Index kWorthwhileProducts = Index{1} << 28;
// The area takes this at most, and a quarter of what the scatter takes.
constexpr Index kMostBytes = Index{8} << 20;
constexpr Index kShareOfScatter = 4;
// To copy more takes longer than to begin with it: this, and so often what the scatter takes.
constexpr Index kMostCopied = Index{1} << 20;
constexpr Index kScattersCopied = 4;

struct Counted {
  explicit Counted(int& c) : count(c) { ++count; }
  ~Counted() { --count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& count;
};

// Whether tame samples can be added to the state later without being refused then. Of a feature,
// they are all the same or vary by 2^-385 at least, so that the sum of their squared deviations is
// 0 or neither underflows nor overflows; nor does it beside a scatter that is finite. What is left
// is the distance between their mean and the state's: it may be at most 2^333, so that its square
// stays far below the overflow. And the squares of all features of a block may underflow together
// only where none of the means differ. They do not where a feature of the state varies by more, nor
// where the state's means are tame as well: different ones are 2^-385 apart then, or else a feature
// of the samples varies.
bool takes_tame_samples(const Moments& state) {
  constexpr double kVaries = 0x1p-800;
  for (Index i = 0; i < state.block_count(); ++i) {
    const auto mean = array(state.block(i).mean);
    if ((mean.abs() > kMostTame).any()) {
      return false;
    }
    const auto squares = state.backend().diagonal(state.scatter(i, i));
    const bool varies = (array(squares) >= kVaries).any();
    const bool tame = (mean == 0.0 || mean.abs() >= kLeastTame).all();
    if (!varies && !tame) {
      return false;
    }
  }
  return true;
}

}  // namespace

StagedMoments::StagedMoments(Moments moments, std::optional<Index> capacity)
    : moments_(std::move(moments)), capacity_(capacity) {}

void StagedMoments::update(std::span<const std::string> names, std::span<const ArrayView> views,
                           int threads, const KeptPairs& kept) {
  if (!stage(names, views, threads, kept)) {
    update_directly(names, views, threads, kept);
  }
}

void StagedMoments::update_directly(std::span<const std::string> names,
                                    std::span<const ArrayView> views, int threads,
                                    const KeptPairs& kept) {
  accumulate_staged(threads);
  moments_.update(names, views, threads, kept);
}

void StagedMoments::merge(const StagedMoments& other) {
  accumulate_staged(0);
  moments_.merge(other.settled());
}

const Moments& StagedMoments::settled() const {
  accumulate_staged(0);
  if (readers_ == 0) {
    area_.release();
  }
  return moments_;
}

// Copies the batch into the area, where it is small, and accumulates what is there before where
// there is no room. False where it is for Moments to take the batch, or to refuse it.
bool StagedMoments::stage(std::span<const std::string> names, std::span<const ArrayView> views,
                          int threads, const KeptPairs& kept) {
  // The first batch makes the blocks.
  if (!backend().stages() || block_count() == 0) {
    return false;
  }
  check_batch(moments_.blocks(), names, views);
  check_same_pairs(moments_.blocks(), moments_.kept(), kept, "add a batch");
  joint_count(n_samples(), views[0].rows);
  const bool on_host = std::all_of(views.begin(), views.end(), [](const ArrayView& view) {
    return view.memory == Memory::kHost;
  });
  const Limits limits = limits_for(views);
  if (!on_host || views[0].rows > limits.batch) {
    return false;
  }
  if (!area_.has_room_for(views)) {
    accumulate_staged(threads);
  }
  if (area_.rows() == 0 &&
      !(takes_tame_samples(moments_) && area_.open(backend(), views, limits.area))) {
    return false;
  }
  return area_.append(backend(), views);
}

StagedMoments::Limits StagedMoments::limits_for(std::span<const ArrayView> views) const {
  if (capacity_) {
    return {*capacity_, *capacity_ / 2};
  }
  Index cells = 0;
  Index bytes_of_row = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    bytes_of_row += views[i].cols * size_of(views[i].dtype);
    for (std::size_t j = 0; j <= i; ++j) {
      cells += moments_.kept()(i, j) ? views[i].cols * views[j].cols : 0;
    }
  }
  const Index scatter = cells * Index{sizeof(double)};
  const Index worthwhile = std::max(kWorthwhileRows, kWorthwhileProducts / cells);
  const Index area = std::min(worthwhile, (kMostBytes + scatter / kShareOfScatter) / bytes_of_row);
  return {area, std::min(area / 2, (kMostCopied + kScattersCopied * scatter) / bytes_of_row)};
}

void StagedMoments::accumulate_staged(int threads) const {
  if (area_.rows() == 0) {
    return;
  }
  const Counted reader(readers_);
  Moments::Batch batch = moments_.read(block_names(), area_.views(), threads, moments_.kept());
  // A call in the midst of this one may have added the samples already; none can have come.
  if (area_.rows() > 0) {
    moments_.add(std::move(batch));
    area_.clear();
  }
}

}  // namespace fastcca
