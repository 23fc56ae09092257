#include "cpu/stage.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "core/accumulation_rules.hpp"
#include "cpu/runs.hpp"

namespace fastcca {

namespace {

// Integers are tame, all of them.
struct Integers {
  template <class Bits>
  static Bits wild(Bits) {
    return 0;
  }
};

// Floats of at most 32 bits are tame where they are finite: an exponent of ones says otherwise.
template <std::uint32_t kExponent>
struct Floats {
  template <class Bits>
  static Bits wild(Bits bits) {
    constexpr auto kOnes = static_cast<Bits>(kExponent);
    return static_cast<Bits>((bits & kOnes) == kOnes);
  }
};

struct Doubles {
  static std::uint64_t wild(std::uint64_t bits) {
    const double size = std::abs(std::bit_cast<double>(bits));
    const bool tame = (size >= kLeastTame) & (size <= kMostTame);  // not for NaN
    return static_cast<std::uint64_t>(!tame & (size != 0.0));
  }
};

template <class Bits>
Bits swapped_bytes(Bits bits) {
  Bits out = 0;
  for (std::size_t i = 0; i < sizeof(Bits); ++i) {
    out = static_cast<Bits>((out << 8U) | (bits & 0xffU));
    bits = static_cast<Bits>(bits >> 8U);
  }
  return out;
}
template <>
std::uint8_t swapped_bytes(std::uint8_t bits) {
  return bits;
}

template <class Bits>
Bits load(const unsigned char* from) {
  Bits bits;
  std::memcpy(&bits, from, sizeof bits);
  return bits;
}

// Copies values without gaps. Returns 0 where all are tame.
template <class Bits, class Kind>
Bits copy_line(const unsigned char* from, Index count, unsigned char* to) {
  constexpr Index kSize = sizeof(Bits);
  Bits wild = 0;
  for (Index i = 0; i < count; ++i) {
    const auto bits = load<Bits>(from + i * kSize);
    std::memcpy(to + i * kSize, &bits, sizeof bits);
    wild = static_cast<Bits>(wild | Kind::wild(bits));
  }
  return wild;
}

// Copies any strides, by tiles: features may be a power of two apart, of which a cache keeps only
// few.
template <class Bits, class Kind>
Bits copy_tiles(const simd::Source& run, Index first, Index rows, Index cols, unsigned char* to) {
  constexpr Index kSize = sizeof(Bits);
  constexpr Index kTileRows = 64;
  constexpr Index kTileCols = 8;
  Bits wild = 0;
  for (Index row = 0; row < rows; row += kTileRows) {
    for (Index col = 0; col < cols; col += kTileCols) {
      const Index last_col = std::min(col + kTileCols, cols);
      for (Index i = row; i < std::min(row + kTileRows, rows); ++i) {
        const unsigned char* sample = run.data + (first + i) * run.row_stride;
        unsigned char* out = to + i * cols * kSize;
        for (Index j = col; j < last_col; ++j) {
          auto bits = load<Bits>(sample + j * run.col_stride);
          bits = run.byte_swapped ? swapped_bytes(bits) : bits;
          std::memcpy(out + j * kSize, &bits, sizeof bits);
          wild = static_cast<Bits>(wild | Kind::wild(bits));
        }
      }
    }
  }
  return wild;
}

template <class Bits, class Kind>
bool copy_values(const ArrayView& view, unsigned char* to) {
  const Index bytes = view.cols * Index{sizeof(Bits)};
  const bool in_lines = view.col_stride == Index{sizeof(Bits)} && !view.byte_swapped;
  Bits wild = 0;
  for_each_run(view, 0, view.rows, [&](const simd::Source& run, Index first, Index rows, Index at) {
    unsigned char* out = to + at * bytes;
    if (!in_lines) {
      wild = static_cast<Bits>(wild | copy_tiles<Bits, Kind>(run, first, rows, view.cols, out));
      return;
    }
    const bool one_line = run.row_stride == bytes;
    const Index lines = one_line ? 1 : rows;
    const Index count = one_line ? rows * view.cols : view.cols;
    for (Index i = 0; i < lines; ++i) {
      const unsigned char* from = run.data + (first + i) * run.row_stride;
      wild = static_cast<Bits>(wild | copy_line<Bits, Kind>(from, count, out + i * bytes));
    }
  });
  return wild == 0;
}

}  // namespace

StagingMemory allocate_staging(Index bytes) {
  constexpr std::align_val_t kPage{4096};
  const auto size = static_cast<std::size_t>(bytes);
  auto* memory = static_cast<unsigned char*>(::operator new(size, kPage, std::nothrow));
#ifdef MADV_HUGEPAGE
  // Numpy asks for the same of its arrays: with pages of 4 KiB, it takes a quarter longer to read
  // back.
  constexpr Index kLarge = Index{4} << 20;
  if (memory != nullptr && bytes >= kLarge) {
    madvise(memory, size, MADV_HUGEPAGE);  // where that fails, nothing is lost
  }
#endif
  return {memory, [](unsigned char* p) { ::operator delete(p, kPage); }};
}

bool stage_samples(const ArrayView& view, unsigned char* to) {
  switch (view.dtype) {
    case DType::kFloat16:
      return copy_values<std::uint16_t, Floats<0x7c00U>>(view, to);
    case DType::kBFloat16:
      return copy_values<std::uint16_t, Floats<0x7f80U>>(view, to);
    case DType::kFloat32:
      return copy_values<std::uint32_t, Floats<0x7f800000U>>(view, to);
    case DType::kFloat64:
      return copy_values<std::uint64_t, Doubles>(view, to);
    default:
      break;
  }
  switch (size_of(view.dtype)) {
    case 1:
      return copy_values<std::uint8_t, Integers>(view, to);
    case 2:
      return copy_values<std::uint16_t, Integers>(view, to);
    case 4:
      return copy_values<std::uint32_t, Integers>(view, to);
    default:
      return copy_values<std::uint64_t, Integers>(view, to);
  }
}

}  // namespace fastcca
