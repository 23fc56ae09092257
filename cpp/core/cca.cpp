#include "core/cca.hpp"

#include <algorithm>
#include <utility>

namespace fastcca {

namespace {

template <class Scalar>
CcaSideOf<Scalar> side_of(const LinearAlgebra<Scalar>& algebra,
                          const PreparedBlockOf<Scalar>& block, CcaParts parts) {
  const WhitenerOf<Scalar>& whitener = block.whitener;
  CcaSideOf<Scalar> out;
  out.rank = block.rank;
  out.kept = whitener.rank();
  out.condition = whitener.condition();
  out.undecided = block.undecided;
  out.dead = block.dead;
  if (parts == CcaParts::kWeights) {  // of no variate, until there are some
    out.weights = algebra.from_host(nullptr, whitener.size(), 0);
    out.loadings = algebra.from_host(nullptr, whitener.size(), 0);
  }
  return out;
}

}  // namespace

template <class Scalar>
void CcaSolutionOf<Scalar>::set_correlations(std::vector<double> singular_values) {
  correlations = std::move(singular_values);
  for (double& rho : correlations) {
    rho = std::clamp(rho, 0.0, 1.0);
    sum_of_squares += rho * rho;
  }
}

template <class Scalar>
PreparedBlockOf<Scalar>::PreparedBlockOf(const LinearAlgebra<Scalar>& algebra,
                                         const PrincipalAxesOf<Scalar>& axes,
                                         const Truncation& keep)
    : whitener(algebra, axes, kept_axes(axes, keep)),
      rank(static_cast<Index>(axes.real.size())),
      undecided(wants_more(keep, rank) ? axes.undecided : 0),
      dead(axes.dead) {}

template <class Scalar>
PreparedBlockOf<Scalar> prepare(const LinearAlgebra<Scalar>& algebra,
                                BlockCovarianceOf<Scalar> block, double ridge,
                                double rank_tolerance, const std::optional<Truncation>& keep) {
  block.rank_tolerance = rank_tolerance;
  return keep ? PreparedBlockOf<Scalar>(algebra, principal_axes(algebra, block), *keep)
              : PreparedBlockOf<Scalar>(WhitenerOf<Scalar>(algebra, block, ridge));
}

template <class Scalar>
CcaSolutionOf<Scalar> solve_whitened(const LinearAlgebra<Scalar>& algebra,
                                     const PreparedBlockOf<Scalar>& x,
                                     const PreparedBlockOf<Scalar>& y, MatrixOf<Scalar> core,
                                     CcaParts parts) {
  CcaSolutionOf<Scalar> out;
  out.x = side_of(algebra, x, parts);
  out.y = side_of(algebra, y, parts);
  const Index most = std::min(x.whitener.rank(), y.whitener.rank());
  if (most == 0) {
    return out;
  }
  if (parts == CcaParts::kSumOfSquares) {
    const double norm = algebra.frobenius_norm(core);
    out.sum_of_squares = std::min(norm * norm, static_cast<double>(most));
    return out;
  }
  if (parts == CcaParts::kWeights) {
    auto svd = algebra.svd(std::move(core));
    auto v = algebra.transposed(svd.vt);
    out.set_correlations(std::move(svd.values));
    out.x.loadings = x.whitener.loadings(svd.u);
    out.y.loadings = y.whitener.loadings(v);
    out.x.weights = x.whitener.weights(std::move(svd.u));
    out.y.weights = y.whitener.weights(std::move(v));
  } else {
    out.set_correlations(algebra.singular_values(std::move(core)));
  }
  return out;
}

template <class Scalar>
CcaSolutionOf<Scalar> solve_cca(const LinearAlgebra<Scalar>& algebra,
                                const BlockCovarianceOf<Scalar>& x,
                                const BlockCovarianceOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                                const CcaOptions& options) {
  const auto of_x = prepare(algebra, x, options.ridge, options.rank_tolerance, options.x_keep);
  const auto of_y = prepare(algebra, y, options.ridge, options.rank_tolerance, options.y_keep);
  auto core = core_matrix(algebra, of_x.whitener, of_y.whitener, cross, x.degrees);
  return solve_whitened(algebra, of_x, of_y, std::move(core), options.parts());
}

CcaSolution solve_cca(const Moments& moments, Index x, Index y, const CcaOptions& options) {
  degrees_of_freedom(moments.n_samples());  // without samples there are no blocks either
  const auto [cross, transpose] = moments.cross(x, y);
  if (transpose == Transpose::kYes) {
    CcaOptions other = options;
    std::swap(other.x_keep, other.y_keep);
    CcaSolution out = solve_cca(moments, y, x, other);
    out.exchange_sides();
    return out;
  }
  return solve_cca(algebra_of<double>(moments.backend()), covariance_of(moments, x),
                   covariance_of(moments, y), *cross, options);
}

CcaSolutionOf<Complex> solve_cca(const Moments& moments, const ComplexBlock& x,
                                 const ComplexBlock& y, const CcaOptions& options,
                                 const std::optional<std::vector<double>>& x_energy,
                                 const std::optional<std::vector<double>>& y_energy) {
  degrees_of_freedom(moments.n_samples());
  const ComplexMatrix xx = complex_scatter(moments, x, x);
  const ComplexMatrix xy = complex_scatter(moments, x, y);
  const ComplexMatrix yy = complex_scatter(moments, y, y);
  return solve_cca(moments.backend().complex(), covariance_of(moments, x, xx, x_energy),
                   covariance_of(moments, y, yy, y_energy), xy, options);
}

template struct CcaSolutionOf<double>;
template struct CcaSolutionOf<Complex>;
template struct PreparedBlockOf<double>;
template struct PreparedBlockOf<Complex>;
template PreparedBlock prepare(const LinearAlgebra<double>&, BlockCovariance, double, double,
                               const std::optional<Truncation>&);
template CcaSolution solve_whitened(const LinearAlgebra<double>&, const PreparedBlock&,
                                    const PreparedBlock&, Matrix, CcaParts);

}  // namespace fastcca
