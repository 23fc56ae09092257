#include "core/staging_area.hpp"

#include <algorithm>

namespace fastcca {

namespace {

// So that no two blocks share a line of the cache.
constexpr Index kAlignment = 64;

}  // namespace

bool StagingArea::has_room_for(std::span<const ArrayView> batch) const {
  const auto same_kind = [](const ArrayView& view, const Part& part) {
    return view.dtype == part.kind.dtype && view.rounded_to == part.kind.rounded_to &&
           view.cols == part.kind.cols;
  };
  return !batch.empty() && batch[0].rows <= capacity_ - rows_ &&
         std::equal(batch.begin(), batch.end(), parts_.begin(), parts_.end(), same_kind);
}

bool StagingArea::open(const Backend& backend, std::span<const ArrayView> batch, Index capacity) {
  std::vector<Part> parts;
  Index bytes = 0;
  for (const ArrayView& view : batch) {
    ArrayView kind;
    kind.dtype = view.dtype;
    kind.rounded_to = view.rounded_to;
    kind.cols = view.cols;
    kind.col_stride = size_of(view.dtype);
    kind.row_stride = view.cols * kind.col_stride;
    parts.push_back({kind, bytes});
    bytes += (capacity * kind.row_stride + kAlignment - 1) / kAlignment * kAlignment;
  }
  if (bytes > bytes_ || !memory_) {
    release();
    memory_ = backend.staging_memory(bytes);
    if (!memory_) {
      return false;
    }
    bytes_ = bytes;
  }
  parts_ = std::move(parts);
  capacity_ = capacity;
  return true;
}

bool StagingArea::append(const Backend& backend, std::span<const ArrayView> batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Part& part = parts_[i];
    if (!backend.stage(batch[i], memory_.get() + part.offset + rows_ * part.kind.row_stride)) {
      return false;
    }
  }
  rows_ += batch[0].rows;
  return true;
}

std::vector<ArrayView> StagingArea::views() const {
  std::vector<ArrayView> out;
  for (const Part& part : parts_) {
    ArrayView& view = out.emplace_back(part.kind);
    view.data = memory_.get() + part.offset;
    view.rows = rows_;
  }
  return out;
}

void StagingArea::release() {
  memory_.reset();
  bytes_ = 0;
  parts_.clear();
  rows_ = 0;
  capacity_ = 0;
}

}  // namespace fastcca
