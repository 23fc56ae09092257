#include "core/permuted_products.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/host_vectors.hpp"
#include "core/interrupt.hpp"
#include "core/projection_weights.hpp"

namespace fastcca {

namespace {

void check(const PermutedUnits& units, Index x_samples, Index y_samples) {
  const auto n = static_cast<Index>(units.samples.size());
  const bool there = std::all_of(units.samples.begin(), units.samples.end(),
                                 [n](Index i) { return i >= 0 && i < n; });
  if (!there || n < 1 || x_samples != n || y_samples != n || units.size < 1 || n % units.size > 0) {
    throw std::invalid_argument("units must list every sample of both blocks, all as many");
  }
}

// Calls visit(places) for pieces of `places`, columns of `rows` numbers each.
template <class Visit>
void for_each_piece(const Backend& backend, std::span<const Index> places, Index rows,
                    Visit visit) {
  const Index column_bytes = static_cast<Index>(sizeof(double)) * std::max<Index>(rows, 1);
  const auto piece =
      static_cast<std::size_t>(std::max<Index>(backend.piece_bytes() / column_bytes, 1));
  for (std::size_t first = 0; first < places.size(); first += piece) {
    throw_if_interrupted();
    visit(places.subspan(first, std::min(piece, places.size() - first)));
  }
}

// The roots of the `count` largest eigenvalues, descending.
std::vector<double> largest_roots(const std::vector<double>& ascending, Index count) {
  return vector_of(array(ascending).tail(count).reverse().max(0.0).sqrt());
}

}  // namespace

std::vector<Index> PermutedUnits::places(std::span<const Index> order) const {
  if (static_cast<Index>(order.size()) * size != static_cast<Index>(samples.size())) {
    throw std::invalid_argument("an order must name every unit");
  }
  std::vector<Index> out;
  out.reserve(samples.size());
  for (const Index unit : order) {
    if (unit < 0 || unit >= static_cast<Index>(order.size())) {
      throw std::out_of_range("there is no unit " + std::to_string(unit));
    }
    for (Index i = 0; i < size; ++i) {
      out.push_back(unit * size + i);
    }
  }
  return out;
}

PermutedProducts::PermutedProducts(Block x, Block y, PermutedUnits units,
                                   ProductStatistic statistic)
    : backend_(&x.coordinates->backend()),
      units_(std::move(units)),
      statistic_(statistic),
      x_loadings_(std::move(x.loadings)),
      y_loadings_(std::move(y.loadings)) {
  const Matrix& of_x = x.coordinates->values();
  const Matrix& of_y = y.coordinates->values();
  check(units_, of_x.cols(), of_y.cols());
  if ((statistic_ >= ProductStatistic::kWeightedByX && x_loadings_.cols() != of_x.rows()) ||
      (statistic_ == ProductStatistic::kWeightedByBoth && y_loadings_.cols() != of_y.rows())) {
    throw std::invalid_argument("projection weights need the loadings of every coordinate");
  }
  y_ = backend_->scaled(backend_->columns(of_y, units_.samples), y.scale);
  // In the pieces in which y is rearranged.
  for_each_piece(*backend_, units_.samples, of_y.rows(), [&](std::span<const Index> samples) {
    x_.push_back(backend_->scaled(backend_->columns(of_x, samples), x.scale));
  });
}

double PermutedProducts::value(std::span<const Index> order) const {
  const Index rows = x_.front().rows();
  const Index cols = y_.rows();
  if (rows == 0 || cols == 0) {
    return 0.0;
  }
  Matrix product = backend_->zeros(rows, cols);
  std::size_t i = 0;
  for_each_piece(*backend_, units_.places(order), cols, [&](std::span<const Index> places) {
    const Matrix others = backend_->columns(y_, places);
    backend_->add_scaled(product, 1.0,
                         backend_->multiply(x_[i++], Transpose::kNo, others, Transpose::kYes));
  });
  if (statistic_ == ProductStatistic::kSumOfSquares) {
    const double norm = backend_->frobenius_norm(product);
    return norm * norm;
  }
  if (statistic_ != ProductStatistic::kNuclearNorm) {
    return weighted_sum(product);
  }
  const auto [left, right] = rows <= cols ? std::pair(Transpose::kNo, Transpose::kYes)
                                          : std::pair(Transpose::kYes, Transpose::kNo);
  const auto roots =
      largest_roots(backend_->eigenvalues(backend_->multiply(product, left, product, right)),
                    std::min(rows, cols));
  return std::accumulate(roots.rbegin(), roots.rend(), 0.0);
}

double PermutedProducts::weighted_sum(const Matrix& product) const {
  const bool by_both = statistic_ == ProductStatistic::kWeightedByBoth;
  Svd svd;
  if (by_both) {
    svd = backend_->svd(backend_->copy(product));
  } else {
    const EigenDecomposition eigen =
        backend_->eigh(backend_->multiply(product, Transpose::kNo, product, Transpose::kYes));
    svd.values = largest_roots(eigen.values, std::min(product.rows(), product.cols()));
    std::vector<Index> descending = index_range(product.rows());
    std::reverse(descending.begin(), descending.end());
    descending.resize(svd.values.size());
    svd.u = backend_->columns(eigen.vectors, descending);
  }
  const auto weighted = [&](const Matrix& loadings, const Matrix& turn, Transpose transpose) {
    const auto shares = projection_weights(
        *backend_, backend_->multiply(loadings, Transpose::kNo, turn, transpose), svd.values);
    return std::inner_product(shares.begin(), shares.end(), svd.values.begin(), 0.0);
  };
  const double by_x = weighted(x_loadings_, svd.u, Transpose::kNo);
  return by_both ? (by_x + weighted(y_loadings_, svd.vt, Transpose::kYes)) / 2.0 : by_x;
}

PermutedGrams::PermutedGrams(const Backend& backend, const Matrix& x, const Matrix& y,
                             PermutedUnits units)
    : backend_(&backend), units_(std::move(units)) {
  check(units_, x.cols(), y.cols());
  const double x_norm = backend.frobenius_norm(x);
  const double y_norm = backend.frobenius_norm(y);
  both_vary_ = x_norm > 0.0 && y_norm > 0.0;
  y_ = backend.scaled(backend.submatrix(y, units_.samples, units_.samples), 1.0 / y_norm);
  for_each_piece(backend, units_.samples, x.rows(), [&](std::span<const Index> samples) {
    x_.push_back(backend.scaled(backend.submatrix(x, units_.samples, samples), 1.0 / x_norm));
  });
}

double PermutedGrams::value(std::span<const Index> order) const {
  if (!both_vary_) {
    return 0.0;
  }
  const std::vector<Index> rows = units_.places(order);
  const auto ones = filled(static_cast<Index>(rows.size()), 1.0);
  // Of matrices of norm 1 the distance tells the inner product.
  double squared_distance = 0.0;
  std::size_t i = 0;
  for_each_piece(*backend_, rows, y_.rows(), [&](std::span<const Index> cols) {
    // Whole columns first: what is then rearranged within them is in a cache.
    const Matrix columns = backend_->columns(y_, cols);
    Matrix difference = backend_->submatrix(columns, rows, index_range(columns.cols()));
    backend_->add_scaled(difference, -1.0, x_[i++]);
    squared_distance += array(backend_->weighted_squared_column_norms(difference, ones)).sum();
  });
  return 1.0 - squared_distance / 2.0;
}

}  // namespace fastcca
