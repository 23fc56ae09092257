// The runs of samples that a view with several levels of strides consists of, and their packing.
#pragma once

#include <algorithm>

#include "core/types.hpp"
#include "cpu/simd.hpp"

namespace fastcca {

// Calls visit(run, within, count, at) for the parts of samples [row, row + depth) that lie in one
// run of the view each: `count` samples, from `within` of the run on, which begin at sample `at`.
template <class Visit>
void for_each_run(const ArrayView& view, Index row, Index depth, Visit visit) {
  const Index run = view.run > 0 ? view.run : view.rows;
  const Index end = row + depth;
  for (Index at = row; at < end;) {
    const Index index = at / run;
    const Index within = at % run;
    const Index count = std::min(run - within, end - at);
    const unsigned char* first = view.data + index / view.runs_per_outer * view.outer_stride +
                                 index % view.runs_per_outer * view.run_stride;
    visit(simd::Source{first, view.row_stride, view.col_stride, static_cast<int>(view.dtype),
                       view.byte_swapped},
          within, count, at - row);
    at += count;
  }
}

// Packs samples [row, row + depth) of a view with any levels of strides.
template <class Real>
void pack_rows(const simd::Kernels<Real>& kernels, const ArrayView& view, Index row, Index depth,
               Index col, Index cols, const simd::Packing& with, Real* packed) {
  for_each_run(view, row, depth, [&](const simd::Source& run, Index within, Index count, Index at) {
    kernels.pack(run, within, count, col, cols, with, packed + at * kernels.lanes);
  });
}

}  // namespace fastcca
