#include "core/batch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/errors.hpp"

namespace fastcca {

namespace {

std::string shape_of(const ArrayView& view) {
  return "(" + std::to_string(view.rows) + ", " + std::to_string(view.cols) + ")";
}

// text(item) of each, with commas between.
template <class Items, class Text>
std::string joined(const Items& items, Text text) {
  std::string out;
  for (const auto& item : items) {
    out += (out.empty() ? "" : ", ") + text(item);
  }
  return out;
}

std::string text_of(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  return value > 0 ? "inf" : "-inf";
}

}  // namespace

void check_batch(std::span<const Block> blocks, std::span<const std::string> names,
                 std::span<const ArrayView> views) {
  if (names.empty() || names.size() != views.size()) {
    throw std::invalid_argument("update needs at least one block of samples");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::count(names.begin(), names.end(), names[i]) != 1) {
      throw std::invalid_argument("the block name '" + names[i] +
                                  "' is given twice; every block needs its own name");
    }
    if (views[i].cols < 1) {
      throw std::invalid_argument(names[i] + " has shape " + shape_of(views[i]) +
                                  ": it needs at least one feature");
    }
    if (views[i].rows < 1) {
      throw std::invalid_argument(names[i] + " has shape " + shape_of(views[i]) +
                                  ": it needs at least one sample");
    }
    if (views[i].rows != views[0].rows) {
      throw std::invalid_argument(names[0] + " has " + std::to_string(views[0].rows) +
                                  " samples and " + names[i] + " has " +
                                  std::to_string(views[i].rows) +
                                  "; row i of every block must belong to the same sample");
    }
  }
  if (blocks.empty()) {
    return;
  }
  const bool same_names =
      std::equal(names.begin(), names.end(), blocks.begin(), blocks.end(),
                 [](const std::string& name, const Block& block) { return name == block.name; });
  if (!same_names) {
    throw std::invalid_argument(
        "update got the blocks (" + joined(names, [](const std::string& name) { return name; }) +
        ") but the state holds (" + joined(blocks, [](const Block& block) { return block.name; }) +
        "); every batch must bring the same blocks in the same order");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (views[i].cols != blocks[i].size()) {
      throw std::invalid_argument(names[i] + " has " + std::to_string(views[i].cols) +
                                  " features, but " + std::to_string(blocks[i].size()) +
                                  " in the batches before");
    }
  }
}

Index joint_count(Index here, Index there) {
  if (here > std::numeric_limits<Index>::max() - there) {
    throw std::length_error("the states hold " + std::to_string(here) + " and " +
                            std::to_string(there) +
                            " samples, together more than can be counted in 64 bits");
  }
  return here + there;
}

void check_same_blocks(std::span<const Block> here, std::span<const Block> there) {
  const bool same = std::equal(
      here.begin(), here.end(), there.begin(), there.end(),
      [](const Block& a, const Block& b) { return a.name == b.name && a.size() == b.size(); });
  if (!same) {
    const auto described = [](const Block& block) {
      return block.name + ": " + std::to_string(block.size());
    };
    throw std::invalid_argument("cannot merge the states of other blocks: this one holds (" +
                                joined(here, described) + "), the other (" +
                                joined(there, described) + ")");
  }
}

void check_same_pairs(std::span<const Block> blocks, const KeptPairs& here, const KeptPairs& there,
                      const std::string& what) {
  if (here == there) {
    return;
  }
  constexpr std::size_t kMost = 3;  // are named
  const auto lacking = [&](const KeptPairs& has, const KeptPairs& lacks) {
    std::vector<std::string> pairs;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (has(i, j) && !lacks(i, j)) {
          pairs.push_back(blocks[j].name + " and " + blocks[i].name);
        }
      }
    }
    const std::size_t named = std::min(pairs.size(), kMost);
    const std::size_t more = pairs.size() - named;
    return joined(std::span(pairs).first(named), [](const std::string& pair) { return pair; }) +
           (more > 0 ? " and " + std::to_string(more) + " more" : "");
  };
  std::string told;
  const std::string only_here = lacking(here, there);
  const std::string only_there = lacking(there, here);
  if (!only_here.empty()) {
    told = "this state alone keeps " + only_here;
  }
  if (!only_there.empty()) {
    told += (told.empty() ? "" : "; ") + ("the other alone keeps " + only_there);
  }
  throw std::invalid_argument("cannot " + what + " of other pairs of blocks: " + told +
                              "; use the same pairs on both sides");
}

bool squares_underflow(std::span<const double> sums, Index n) {
  // A square is rounded to multiples of the smallest number, and so many such errors add up.
  const double least = static_cast<double>(n) * std::numeric_limits<double>::min();
  return std::all_of(sums.begin(), sums.end(), [least](double s) { return s < least; });
}

void refuse_small(const std::string& name, const char* aside) {
  throw ScaleError(
      name + " varies by so little that squares underflow float64; multiply it by a constant" +
      aside);
}

void refuse_large(const std::string& name, const char* aside) {
  throw ScaleError(
      name + " holds values so large that their squares overflow float64; divide it by a constant" +
      aside);
}

void refuse_non_finite(const Backend& backend, const std::string& name, const ArrayView& view) {
  const NonFinite found = backend.find_non_finite(view);
  if (found.count > 0) {
    throw std::invalid_argument(
        name + " has " + std::to_string(found.count) +
        (found.count == 1 ? " value that is" : " values that are") + " not finite; the first is " +
        text_of(found.value) + " at sample " + std::to_string(found.row) + ", feature " +
        std::to_string(found.col) + "; remove those samples or replace the values");
  }
}

}  // namespace fastcca
