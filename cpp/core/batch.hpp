// The checks that a batch of samples of named blocks, or another state of them, must pass.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/backend.hpp"
#include "core/block.hpp"

namespace fastcca {

// Throws unless the views are one batch of samples, of the same blocks as before where there are
// any.
void check_batch(std::span<const Block> blocks, std::span<const std::string> names,
                 std::span<const ArrayView> views);

// Samples of two states together. Throws where they are more than can be counted, which the count
// of a stored state, or a state merged with itself over and over, may bring about.
Index joint_count(Index here, Index there);

// Throws unless two states hold the same blocks.
void check_same_blocks(std::span<const Block> here, std::span<const Block> there);

// Throws unless two states of these blocks keep the same pairs of them. `what` is refused.
void check_same_pairs(std::span<const Block> blocks, const KeptPairs& here, const KeptPairs& there,
                      const std::string& what);

// Whether sums of that many squares are so small that the squares have lost digits.
bool squares_underflow(std::span<const double> sums, Index n);
// `aside` goes with the advice to change the scale.
inline constexpr const char* kCorrelationsStay = " (correlations do not depend on the scale)";
[[noreturn]] void refuse_small(const std::string& name, const char* aside = kCorrelationsStay);
[[noreturn]] void refuse_large(const std::string& name, const char* aside = kCorrelationsStay);

// Throws where the view holds NaN or infinity, and says where.
void refuse_non_finite(const Backend& backend, const std::string& name, const ArrayView& view);

}  // namespace fastcca
