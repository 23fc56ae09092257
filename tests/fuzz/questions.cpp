// Every measure, on blocks and with options that the bytes of an input choose.
#include "questions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/google_cca.hpp"

namespace fastcca::fuzz {

namespace {

// Mostly a block, sometimes none.
Index any_block(Reader& in, Index blocks) { return in.rarely(32) ? blocks : in.below(blocks); }

template <class State>
Index size(const Held<State>& held, Index block) {
  return held.state.block(block).size();
}

Truncation truncation(Reader& in) {
  Truncation out;
  out.by = static_cast<Truncation::By>(in.below(3));
  out.share = static_cast<double>(1 + in.below(100)) / 100.0;
  out.count = 1 + in.below(10);
  return out;
}

double tolerance(Reader& in) {
  constexpr std::array<double, 4> kTolerances{1e-300, 1e-8, 1e-3, 0.9};
  return in.rarely(4) ? kTolerances[static_cast<std::size_t>(in.below(4))] : 0.0;
}

CcaOptions options(Reader& in, bool may_truncate) {
  constexpr std::array<double, 8> kRidges{0.0, 0.0, 0.0, 0.0, 1e-300, 1e-10, 1e-3, 1.0};
  CcaOptions out;
  out.ridge = kRidges[static_cast<std::size_t>(in.below(8))];
  out.weights = in.below(2) == 0;
  out.rank_tolerance = tolerance(in);
  if (may_truncate && in.rarely(3)) {
    out.ridge = 0.0;
    out.x_keep = truncation(in);
    out.y_keep = truncation(in);
  }
  return out;
}

}  // namespace

void ask_cca(Reader& in, const Held<Moments>& held, Index blocks) {
  const Index x = any_block(in, blocks);
  const Index y = any_block(in, blocks);
  const CcaOptions chosen = options(in, true);
  attempt(Op::kCca, held.made_up, [&] {
    const CcaSolution solution = solve_cca(held.state, x, y, chosen);
    if (!held.made_up) {
      check_solution(testing::algebra(), solution, size(held, x), size(held, y), chosen);
    }
  });
}

void ask_complex_cca(Reader& in, const Held<Moments>& held) {
  const Moments& m = held.state;
  const CcaOptions chosen = options(in, true);
  const ComplexBlock x{0, in.below(2) == 0 ? std::optional<Index>(0) : std::nullopt};
  ComplexBlock y{1, std::nullopt};
  if (m.block_count() < 2) {
    y.real = 0;
  } else if (m.block_count() == 3 && m.block(1).size() == m.block(2).size()) {
    y.imaginary = 2;
  }
  attempt(Op::kComplexCca, held.made_up, [&] {
    const auto& algebra = testing::backend().complex();
    const auto solution = solve_cca(m, x, y, chosen);
    if (!held.made_up) {
      check_solution(algebra, solution, size(held, x.real), size(held, y.real), chosen);
    }
  });
}

void ask_factor_cca(Reader& in, const Held<QrFactor>& held, Index blocks) {
  const Index x = any_block(in, blocks);
  const Index y = any_block(in, blocks);
  const CcaOptions chosen = options(in, true);
  attempt(Op::kFactorCca, held.made_up, [&] {
    const CcaSolution solution = solve_cca(held.state, x, y, chosen);
    if (!held.made_up) {
      check_solution(testing::algebra(), solution, size(held, x), size(held, y), chosen);
    }
  });
}

void ask_pls(Reader& in, const Held<Moments>& held, Index blocks) {
  const Index x = any_block(in, blocks);
  const Index y = any_block(in, blocks);
  attempt(Op::kPls, held.made_up, [&] {
    const PlsSolution solution = solve_pls(held.state, x, y);
    if (!held.made_up) {
      check_descending(solution.singular_values, 0.0, std::numeric_limits<double>::max());
      check_finite(testing::algebra(), solution.x_weights, "weights are finite");
      check_finite(testing::algebra(), solution.y_weights, "weights are finite");
      require(solution.x_weights.rows() == size(held, x), "a weight per unit");
      require(solution.y_weights.rows() == size(held, y), "a weight per unit");
    }
  });
}

void ask_similarity(Op op, Similarity measure, Reader& in, const Held<Moments>& held,
                    Index blocks) {
  const Index x = any_block(in, blocks);
  const Index y = any_block(in, blocks);
  attempt(op, held.made_up, [&] {
    const double value = measure(held.state, x, y);
    if (!held.made_up) {
      check_similarity(value);
    }
  });
}

template <class State>
void ask_regression(Reader& in, const Held<State>& held, Index blocks) {
  const Index x = any_block(in, blocks);
  const Index y = any_block(in, blocks);
  const double rank_tolerance = tolerance(in);
  attempt(Op::kRegression, held.made_up, [&] {
    const Regression found = linear_regression(held.state, x, y, rank_tolerance);
    if (!held.made_up) {
      check_similarity(found.r2);
      require(std::isfinite(found.x_condition) && found.x_condition >= 1.0, "a condition");
      require(found.x_undecided >= 0 && found.x_undecided <= size(held, x), "undecided fit");
    }
  });
}

void ask_moments_of_factor(const Held<QrFactor>& held) {
  attempt(Op::kMomentsOfFactor, held.made_up, [&] {
    const Moments moments = moments_of(held.state);
    if (!held.made_up) {
      require(moments.n_samples() == held.state.n_samples(), "the same samples");
      check_state(moments);
    }
  });
}

template <class State>
void ask_axes(Reader& in, const Held<State>& held, Index blocks) {
  const Index x = any_block(in, blocks);
  const Truncation keep = truncation(in);
  const double rank_tolerance = tolerance(in);
  attempt(Op::kPrincipalAxes, held.made_up, [&] {
    const auto found = principal_axes(held.state, x, rank_tolerance);
    const auto kept = kept_axes(found, keep);
    if (held.made_up) {
      return;
    }
    check_descending(found.variances, 0.0, std::numeric_limits<double>::max());
    check_finite(testing::algebra(), found.axes, "axes are finite");
    const auto count = static_cast<Index>(found.variances.size());
    require(found.axes.rows() == size(held, x) && found.axes.cols() == count, "axes fit");
    require(static_cast<Index>(found.real.size()) <= count, "no more axes than variances");
    require(kept.size() <= found.real.size() &&
                std::equal(kept.begin(), kept.end(), found.real.begin()),
            "kept axes are the leading ones");
    require(kept.empty() == found.real.empty(), "at least one axis is kept");
  });
}

template void ask_regression(Reader&, const Held<Moments>&, Index);
template void ask_regression(Reader&, const Held<QrFactor>&, Index);
template void ask_axes(Reader&, const Held<Moments>&, Index);
template void ask_axes(Reader&, const Held<QrFactor>&, Index);

void ask_symmetric(Reader& in, const Held<Moments>& held, Index blocks) {
  const Index x = any_block(in, blocks);
  const Index y = any_block(in, blocks);
  constexpr std::array<double, 4> kEpsilons{0.0, 0.0, 1e-6, 1.0};
  const double epsilon = kEpsilons[static_cast<std::size_t>(in.below(4))];
  const auto& algebra = testing::algebra();
  attempt(Op::kSymmetricCca, held.made_up, [&] {
    const BlockCovariance x_block = covariance_of(held.state, x);
    const BlockCovariance y_block = covariance_of(held.state, y);
    const Matrix oriented = held.state.copy_of_cross(x, y);
    const std::vector<double> rows(static_cast<std::size_t>(oriented.rows()),
                                   1.0 / x_block.degrees);
    const std::vector<double> cols(static_cast<std::size_t>(oriented.cols()), 1.0);
    const Matrix cross = algebra.scaled_submatrix(oriented, index_range(oriented.rows()), rows,
                                                  index_range(oriented.cols()), cols);
    const auto solution = solve_symmetric_cca(algebra, x_block, y_block, cross, epsilon);
    if (held.made_up) {
      return;
    }
    check_descending(solution.correlations, 0.0, 1.0);
    check_finite(algebra, solution.u, "u is finite");
    check_finite(algebra, solution.vt, "vt is finite");
    check_finite(algebra, solution.x_inverse_sqrt, "an inverse root is finite");
    check_finite(algebra, solution.y_inverse_sqrt, "an inverse root is finite");
  });
}

}  // namespace fastcca::fuzz
