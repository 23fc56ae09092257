// What the fuzzer's parts share: the input read as a stream, the operations and their counts.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/types.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fastcca::fuzz {

enum class Op : std::uint8_t {
  kUpdate,
  kUpdateFactor,
  kMerge,
  kMergeFactor,
  kClone,
  kRestore,
  kRestoreFactor,
  kCca,
  kComplexCca,
  kFactorCca,
  kPls,
  kCka,
  kProcrustes,
  kRegression,
  kPrincipalAxes,
  kSymmetricCca,
  kMomentsOfFactor,
  kSmallBatches,
};
constexpr std::array<const char*, 18> kOpNames{"update",
                                               "factor update",
                                               "merge",
                                               "factor merge",
                                               "clone",
                                               "restore",
                                               "factor restore",
                                               "cca",
                                               "complex cca",
                                               "factor cca",
                                               "pls",
                                               "cka",
                                               "procrustes",
                                               "regression",
                                               "principal axes",
                                               "symmetric cca",
                                               "moments of factor",
                                               "small batches"};
constexpr std::size_t kOps = kOpNames.size();

constexpr std::array<const char*, 4> kErrorNames{"invalid_argument", "length_error", "out_of_range",
                                                 "DecompositionError"};
constexpr std::size_t kErrors = kErrorNames.size();

struct Counts {
  std::array<std::size_t, kOps> done{};
  std::array<std::array<std::size_t, kErrors>, kOps> thrown{};
};
Counts& counts();

// The bytes of an input one after another; zeros once there are no more.
class Reader {
 public:
  Reader(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  bool empty() const { return at_ >= size_; }
  std::uint8_t byte() { return empty() ? std::uint8_t{0} : data_[at_++]; }
  // 0, 1, ..., n - 1
  Index below(Index n) { return static_cast<Index>(byte()) % n; }
  // Once in `n` times, and not where there are no more bytes.
  bool rarely(Index n) { return below(n) == n - 1; }
  template <class T>
  T bits() {
    std::array<unsigned char, sizeof(T)> bytes{};
    for (auto& b : bytes) {
      b = byte();
    }
    return std::bit_cast<T>(bytes);
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

// How the values of a view come about.
enum class Values : std::uint8_t {
  kNormal,     // of order one
  kNormalToo,  // twice, as what leads to the deep paths
  kDependent,  // all features are combinations of two, so that the rank is 2
  kOffset,     // a large mean and little else
  kScaled,     // every feature at a scale of its own
  kExtreme,    // zeros, subnormals, the largest numbers
  kNonFinite,  // the same, with infinities and NaN among them
  kArbitrary,  // any bits, those of the input
};
constexpr Index kValueKinds = 8;

// Memory of exactly the extent that its view reaches, so that a read beside it is found.
struct Samples {
  std::unique_ptr<unsigned char[]> bytes;
  ArrayView view;
};
Samples read_samples(Reader& in, Index rows, Index cols);

}  // namespace fastcca::fuzz
