#include "core/cca.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace fastcca {

namespace {

BlockReport report_of(const Whitener& whitener) {
  return {whitener.rank(), whitener.condition(), whitener.dead()};
}

}  // namespace

CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options) {
  if (moments.n_samples() < 2) {
    throw std::invalid_argument("a correlation needs at least 2 samples, but there " +
                                std::string(moments.n_samples() == 1 ? "is 1" : "are 0"));
  }
  // The state holds one tile per pair, below the diagonal; swapping the sides transposes it.
  const bool swapped = x < y;
  const Backend& backend = moments.backend();
  const Whitener white_x(backend, covariance_of(moments, x), options.ridge);
  const Whitener white_y(backend, covariance_of(moments, y), options.ridge);
  CcaSolution out;
  out.x = report_of(white_x);
  out.y = report_of(white_y);
  if (white_x.rank() == 0 || white_y.rank() == 0) {
    if (options.weights) {
      out.x_weights = backend.from_host(nullptr, white_x.size(), 0);
      out.y_weights = backend.from_host(nullptr, white_y.size(), 0);
    }
    return out;
  }

  const Whitener& row_side = swapped ? white_y : white_x;
  const Whitener& col_side = swapped ? white_x : white_y;
  Matrix core =
      core_matrix(backend, row_side, col_side, moments.scatter(std::max(x, y), std::min(x, y)),
                  static_cast<double>(moments.n_samples() - 1));
  if (options.weights) {
    Svd svd = backend.svd(std::move(core));
    out.correlations = std::move(svd.values);
    Matrix v = backend.transposed(svd.vt);
    Matrix row_weights = row_side.weights(std::move(svd.u));
    Matrix col_weights = col_side.weights(std::move(v));
    if (swapped) {
      std::swap(row_weights, col_weights);
    }
    out.x_weights = std::move(row_weights);
    out.y_weights = std::move(col_weights);
  } else {
    out.correlations = backend.singular_values(std::move(core));
  }
  for (double& rho : out.correlations) {
    rho = std::clamp(rho, 0.0, 1.0);
  }
  return out;
}

}  // namespace fastcca
