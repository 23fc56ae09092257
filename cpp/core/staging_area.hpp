// Samples of small batches, copied side by side until there are enough of them.
#pragma once

#include <span>
#include <vector>

#include "core/backend.hpp"

namespace fastcca {

class StagingArea {
 public:
  Index rows() const { return rows_; }

  // Whether samples like these, as many as they are, can be appended as it is.
  bool has_room_for(std::span<const ArrayView> batch) const;
  // Makes room for `capacity` samples like these, where it holds none. Returns whether there is the
  // memory.
  bool open(const Backend& backend, std::span<const ArrayView> batch, Index capacity);
  // Appends samples that there is room for, if all their values are tame; returns whether.
  bool append(const Backend& backend, std::span<const ArrayView> batch);

  // What is in it, a view for each block.
  std::vector<ArrayView> views() const;

  // Forgets the samples. Their memory stays what it is, for whoever still reads it.
  void clear() { rows_ = 0; }
  void release();

 private:
  struct Part {
    ArrayView kind;    // without rows and data
    Index offset = 0;  // in bytes
  };

  StagingMemory memory_;
  Index bytes_ = 0;
  std::vector<Part> parts_;
  Index rows_ = 0;
  Index capacity_ = 0;
};

}  // namespace fastcca
