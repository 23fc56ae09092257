// One SIMD unit, for one instruction set: a source file that is compiled for it says how many
// doubles its vectors hold, and how many vectors high its register tiles are.
#pragma once

#include "cpu/simd_packing.hpp"
#include "cpu/simd_products.hpp"

namespace fastcca::simd {
namespace {

template <std::int64_t kLanes, int kRowVectors>
constexpr Level unit(const char* name) noexcept {
  return {name,
          {kLanes, pack<kLanes, double>, update<kLanes, kRowVectors>},
          {2 * kLanes, pack<kLanes, float>, update_single<kLanes, kRowVectors>}};
}

}  // namespace
}  // namespace fastcca::simd
