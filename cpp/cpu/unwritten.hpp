// Memory that is handed out before anything was written to it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace fastcca {

// In a build that looks for reads of such memory it holds NaN; elsewhere, what was there.
template <class Scalar>
void mark_unwritten([[maybe_unused]] Scalar* first, [[maybe_unused]] std::size_t count) {
#ifdef FASTCCA_FILL_NAN
  std::fill_n(first, count, Scalar(std::numeric_limits<double>::quiet_NaN()));
#endif
}

// Room for LAPACK to work in.
template <class Scalar>
std::vector<Scalar> workspace_of(std::size_t count) {
  std::vector<Scalar> out(count);
  mark_unwritten(out.data(), count);
  return out;
}

}  // namespace fastcca
