// Plans of cuFFT: what they transform and how it lies in memory.
#pragma once

#include <cufft.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "handles.hpp"

namespace standin {

// Numbers of one kind, of `batch` transforms of `lines` x `length`: number (line, at) of transform
// m is (line * row + at) * stride + m * distance.
struct Numbers {
  std::int64_t lines = 0;
  std::int64_t length = 0;
  std::int64_t row = 0;
  std::int64_t stride = 0;
  std::int64_t distance = 0;

  std::size_t index(std::int64_t line, std::int64_t at, std::int64_t m) const {
    return static_cast<std::size_t>((line * row + at) * stride + m * distance);
  }
};

struct Plan {
  Handle* handle = nullptr;  // device and stream
  bool allocates = true;
  bool is_made = false;
  cufftType type = CUFFT_C2C;
  std::int64_t batch = 0;
  Numbers in;
  Numbers out;
  std::size_t workspace_bytes = 0;
};

// Null where it is none that lives.
Plan* find_plan(cufftHandle handle);

}  // namespace standin
