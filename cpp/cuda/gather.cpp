#include "cuda/gather.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "cpu/threads.hpp"

namespace fastcca::cuda {

namespace {

template <class Word>
void copy_words(const unsigned char* from, Index stride, Index count, unsigned char* to) {
  for (Index i = 0; i < count; ++i) {
    std::memcpy(to + i * Index{sizeof(Word)}, from + i * stride, sizeof(Word));
  }
}

// `count` values that are `stride` bytes apart, to lie next to each other.
void copy_values(const unsigned char* from, Index stride, Index count, Index size,
                 unsigned char* to) {
  if (stride == size) {
    std::memcpy(to, from, static_cast<std::size_t>(count * size));
  } else if (size == 8) {
    copy_words<std::uint64_t>(from, stride, count, to);
  } else if (size == 4) {
    copy_words<std::uint32_t>(from, stride, count, to);
  } else if (size == 2) {
    copy_words<std::uint16_t>(from, stride, count, to);
  } else {
    copy_words<std::uint8_t>(from, stride, count, to);
  }
}

Index run_of(const ArrayView& view) { return view.run > 0 ? view.run : view.rows; }

// Samples [k, end) of those.
void gather_samples(const ArrayView& view, const Rows& rows, Index k, Index end,
                    unsigned char* to) {
  const Index size = size_of(view.dtype);
  const Index bytes = view.cols * size;
  const bool whole =
      run_of(view) == view.rows && view.col_stride == size && view.row_stride == bytes;
  while (k < end) {
    const Index count = whole ? std::min(rows.following(k), end - k) : 1;
    const unsigned char* from = sample_of(view, rows.at(k));
    if (whole) {
      std::memcpy(to + k * bytes, from, static_cast<std::size_t>(count * bytes));
    } else {
      copy_values(from, view.col_stride, view.cols, size, to + k * bytes);
    }
    k += count;
  }
}

void gather_features(const ArrayView& view, const Rows& rows, Index col, Index cols,
                     unsigned char* to) {
  const Index size = size_of(view.dtype);
  const Index run = run_of(view);
  for (Index k = 0; k < rows.count;) {
    const Index row = rows.at(k);
    const Index count = std::min(run - row % run, rows.following(k));
    const unsigned char* first = sample_of(view, row);
    for (Index j = col; j < col + cols; ++j) {
      copy_values(first + j * view.col_stride, view.row_stride, count, size,
                  to + (j * rows.count + k) * size);
    }
    k += count;
  }
}

}  // namespace

const unsigned char* sample_of(const ArrayView& view, Index row) {
  const Index run = row / run_of(view);
  return view.data + row % run_of(view) * view.row_stride +
         run / view.runs_per_outer * view.outer_stride +
         run % view.runs_per_outer * view.run_stride;
}

ArrayView gather(const ArrayView& view, const Rows& rows, int threads, unsigned char* to) {
  // Bytes that one thread has copied before a second one has started.
  constexpr Index kPiece = Index{1} << 18;
  const Index size = size_of(view.dtype);
  const bool along_samples = std::abs(view.row_stride) < std::abs(view.col_stride);
  const Index depth = rows.count;
  const Index items = along_samples ? view.cols : depth;
  const Index pieces = std::clamp<Index>(depth * view.cols * size / kPiece, 1, items);
  const int most = threads > 0 ? threads : num_threads();
  std::atomic<Index> next{0};
  run_on_threads(static_cast<int>(std::min<Index>(most, pieces)), [&](int, Team&) {
    for (Index p = next++; p < pieces; p = next++) {
      const Index first = items * p / pieces;
      const Index count = items * (p + 1) / pieces - first;
      if (along_samples) {
        gather_features(view, rows, first, count, to);
      } else {
        gather_samples(view, rows, first, first + count, to);
      }
    }
  });
  ArrayView out;
  out.data = to;
  out.dtype = view.dtype;
  out.byte_swapped = view.byte_swapped;
  out.rows = depth;
  out.cols = view.cols;
  out.row_stride = along_samples ? size : view.cols * size;
  out.col_stride = along_samples ? depth * size : size;
  return out;
}

}  // namespace fastcca::cuda
