// Any sequence of operations on a few states, as the bytes of an input say. After each of them the
// states and results must hold what invariants.hpp asks, and a refused one must not have changed
// anything.
#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include "core/errors.hpp"
#include "core/symmetric_cca.hpp"
#include "fuzz.hpp"
#include "invariants.hpp"

namespace fastcca::fuzz {

Counts& counts() {
  static Counts instance;
  return instance;
}

namespace {

constexpr int kMostOperations = 24;

// A state, and whether it was made up: then results mean nothing, and only the errors count.
template <class State>
struct Held {
  State state;
  bool made_up = false;
};

// Runs an operation; what it may throw is what the documentation says.
template <class F>
bool attempt(Op op, bool made_up, F body) {
  auto& thrown = counts().thrown[static_cast<std::size_t>(op)];
  try {
    body();
    ++counts().done[static_cast<std::size_t>(op)];
    return true;
  } catch (const DecompositionError& error) {
    // Its message asks for a report: data that lead here are worth a look.
    require(made_up, error.what());
    ++thrown[3];
  } catch (const std::invalid_argument&) {
    ++thrown[0];
  } catch (const std::length_error&) {
    ++thrown[1];
  } catch (const std::out_of_range&) {
    ++thrown[2];
  } catch (const std::exception& error) {
    violated(std::string("only documented errors are thrown: ") + error.what());
  }
  return false;
}

class Machine {
 public:
  explicit Machine(Reader& in) : in_(in) {
    const Index count = 1 + in_.below(3);
    for (Index i = 0; i < count; ++i) {
      sizes_.push_back(1 + in_.below(i == 0 ? 12 : 8));
    }
    if (count == 3 && in_.rarely(2)) {
      sizes_[2] = sizes_[1];  // so that complex blocks occur
    }
    for (int i = 0; i < 3; ++i) {
      moments_.push_back({Moments(testing::backend())});
    }
    for (int i = 0; i < 2; ++i) {
      factors_.push_back({QrFactor(testing::backend())});
    }
  }

  void step() {
    switch (static_cast<Op>(in_.below(kOps))) {
      case Op::kUpdate:
        return update(Op::kUpdate, any(moments_),
                      [](Moments& m, auto names, auto views) { m.update(names, views, 1); });
      case Op::kUpdateFactor:
        return update(Op::kUpdateFactor, any(factors_),
                      [](QrFactor& f, auto names, auto views) { f.update(names, views, 1); });
      case Op::kMerge:
        return merge(Op::kMerge, any(moments_), any(moments_));
      case Op::kMergeFactor:
        return merge(Op::kMergeFactor, any(factors_), any(factors_));
      case Op::kClone:
        return clone();
      case Op::kRestore:
        return restore();
      case Op::kRestoreFactor:
        return restore_factor();
      case Op::kCca:
        return cca();
      case Op::kComplexCca:
        return complex_cca();
      case Op::kFactorCca:
        return factor_cca();
      case Op::kPls:
        return pls();
      case Op::kCka:
        return similarity(Op::kCka, linear_cka);
      case Op::kProcrustes:
        return similarity(Op::kProcrustes, procrustes);
      case Op::kRegression:
        return similarity(Op::kRegression, linear_regression_r2);
      case Op::kPrincipalAxes:
        return axes();
      case Op::kSymmetricCca:
        return symmetric();
    }
  }

 private:
  template <class State>
  Held<State>& any(std::vector<Held<State>>& states) {
    return states[static_cast<std::size_t>(in_.below(static_cast<Index>(states.size())))];
  }
  // Mostly a block, sometimes none.
  Index any_block() {
    const Index count = static_cast<Index>(sizes_.size());
    return in_.rarely(32) ? count : in_.below(count);
  }

  template <class State, class F>
  void update(Op op, Held<State>& held, F apply) {
    std::vector<std::string> names;
    std::vector<Samples> samples;
    std::vector<ArrayView> views;
    const Index rows = in_.rarely(64) ? 0 : 1 + in_.below(24);
    const Index oddity = in_.below(40);  // mostly a batch that fits
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      const bool odd = i + 1 == sizes_.size();
      names.emplace_back(1, static_cast<char>('a' + (odd && oddity == 39 ? 0 : i)));
      const Index cols = sizes_[i] + (odd && oddity == 38 ? 1 : 0) -
                         (odd && oddity == 37 ? sizes_[i] : 0);
      samples.push_back(read_samples(in_, rows + (odd && oddity == 36 ? 1 : 0), cols));
      views.push_back(samples.back().view);
    }
    if (oddity == 35) {
      names.pop_back();
    }
    const auto before = snapshot_of(held.state);
    const bool ok =
        attempt(op, held.made_up, [&] { apply(held.state, std::span(names), std::span(views)); });
    finish(held, before, ok);
    require(!ok || held.state.n_samples() == before.n + rows, "samples are counted");
  }

  template <class State>
  void merge(Op op, Held<State>& into, Held<State>& from) {
    const auto before = snapshot_of(into.state);
    const auto other = snapshot_of(from.state);
    into.made_up = into.made_up || from.made_up;
    const bool ok = attempt(op, into.made_up, [&] { into.state.merge(from.state); });
    finish(into, before, ok);
    require(!ok || into.state.n_samples() == before.n + other.n, "samples are counted");
    require(&into == &from || testing::same_bits(snapshot_of(from.state), other),
            "a merge leaves the other state");
  }

  template <class State>
  void finish(const Held<State>& held, const testing::Snapshot& before, bool ok) {
    if (!ok) {
      require(testing::same_bits(snapshot_of(held.state), before), "what throws changes nothing");
    } else {
      check_state(held.state);
    }
  }

  void clone() {
    Held<Moments>& from = any(moments_);
    Held<Moments>& to = any(moments_);
    Held<QrFactor>& factor = any(factors_);
    const auto before = snapshot_of(from.state);
    attempt(Op::kClone, false, [&] {
      to = {from.state.clone(), from.made_up};
      factor.state = factor.state.clone();
    });
    require(testing::same_bits(snapshot_of(to.state), before), "a clone has the same bits");
  }

  // The parts of a state, one of them changed now and then.
  struct Stored {
    Index n = 0;
    std::vector<Block> blocks;
    bool changed = false;
    bool misfit = false;
  };
  template <class State>
  Stored stored(const State& state) {
    Stored out;
    out.n = state.n_samples();
    for (Index i = 0; i < state.block_count(); ++i) {
      out.blocks.push_back(state.block(i));
    }
    switch (in_.below(10)) {
      case 6:
        out.n = in_.bits<Index>();
        break;
      case 7:
        out.n = std::numeric_limits<Index>::max() - in_.below(3);
        break;
      case 8:
        out.misfit = true;
        if (!out.blocks.empty()) {
          out.blocks.back().mean.resize(static_cast<std::size_t>(in_.below(6)));
        }
        break;
      case 9:
        if (!out.blocks.empty()) {
          out.blocks.pop_back();
        }
        break;
      default:
        return out;
    }
    out.changed = true;
    return out;
  }

  void restore() {
    const Held<Moments>& from = any(moments_);
    Held<Moments>& to = any(moments_);
    const Stored parts = stored(from.state);
    const Index copied = in_.rarely(16) ? 1 : from.state.block_count();
    std::vector<std::vector<Matrix>> scatter;
    for (Index i = 0; i < std::min(copied, from.state.block_count()); ++i) {
      auto& row = scatter.emplace_back();
      for (Index j = 0; j <= i; ++j) {
        row.push_back(testing::backend().copy(from.state.scatter(i, j)));
      }
    }
    const auto before = snapshot_of(from.state);
    const bool changed = parts.changed || copied != from.state.block_count();
    if (attempt(Op::kRestore, true, [&] {
          to = {Moments::restore(testing::backend(), parts.n, parts.blocks, std::move(scatter)),
                from.made_up || changed};
        })) {
      require(changed || testing::same_bits(snapshot_of(to.state), before), "restored bit by bit");
      check_state(to.state);
    } else {
      require(changed, "what a state gave fits");
    }
  }

  void restore_factor() {
    const Held<QrFactor>& from = any(factors_);
    Held<QrFactor>& to = any(factors_);
    const Stored parts = stored(from.state);
    Matrix factor = testing::backend().copy(from.state.factor());
    const auto before = snapshot_of(from.state);
    if (attempt(Op::kRestoreFactor, true, [&] {
          to = {QrFactor::restore(testing::backend(), parts.n, parts.blocks, std::move(factor)),
                from.made_up || parts.changed};
        })) {
      require(parts.changed || testing::same_bits(snapshot_of(to.state), before),
              "restored bit by bit");
    } else {
      require(parts.changed, "what a state gave fits");
    }
  }

  Truncation truncation() {
    Truncation out;
    out.by = static_cast<Truncation::By>(in_.below(3));
    out.share = static_cast<double>(1 + in_.below(100)) / 100.0;
    out.count = 1 + in_.below(10);
    return out;
  }

  CcaOptions options(bool may_truncate) {
    constexpr std::array<double, 8> kRidges{0.0, 0.0, 0.0, 0.0, 1e-300, 1e-10, 1e-3, 1.0};
    CcaOptions out;
    out.ridge = kRidges[static_cast<std::size_t>(in_.below(8))];
    out.weights = in_.below(2) == 0;
    if (may_truncate && in_.rarely(3)) {
      out.ridge = 0.0;
      out.x_keep = truncation();
      out.y_keep = truncation();
    }
    return out;
  }

  void cca() {
    const Held<Moments>& held = any(moments_);
    const Index x = any_block();
    const Index y = any_block();
    const CcaOptions chosen = options(true);
    attempt(Op::kCca, held.made_up, [&] {
      const CcaSolution solution = solve_cca(held.state, x, y, chosen);
      if (!held.made_up) {
        check_solution(testing::algebra(), solution, size(held, x), size(held, y), chosen);
      }
    });
  }

  void complex_cca() {
    const Held<Moments>& held = any(moments_);
    const Moments& m = held.state;
    const CcaOptions chosen = options(true);
    const ComplexBlock x{0, in_.below(2) == 0 ? std::optional<Index>(0) : std::nullopt};
    ComplexBlock y{1, std::nullopt};
    if (m.block_count() < 2) {
      y.real = 0;
    } else if (m.block_count() == 3 && m.block(1).size() == m.block(2).size()) {
      y.imaginary = 2;
    }
    attempt(Op::kComplexCca, held.made_up, [&] {
      const ComplexPair pair(m, x, y, std::nullopt, std::nullopt);
      const auto& algebra = testing::backend().complex();
      const auto solution = solve_cca(algebra, pair.pair(), chosen);
      if (!held.made_up) {
        check_solution(algebra, solution, size(held, x.real), size(held, y.real), chosen);
      }
    });
  }

  void factor_cca() {
    const Held<QrFactor>& held = any(factors_);
    const Index x = any_block();
    const Index y = any_block();
    const CcaOptions chosen = options(in_.rarely(16));
    attempt(Op::kFactorCca, held.made_up, [&] {
      const CcaSolution solution = solve_cca(held.state, x, y, chosen);
      if (!held.made_up) {
        check_solution(testing::algebra(), solution, size(held, x), size(held, y), chosen);
      }
    });
  }

  void pls() {
    const Held<Moments>& held = any(moments_);
    const Index x = any_block();
    const Index y = any_block();
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

  template <class F>
  void similarity(Op op, F measure) {
    const Held<Moments>& held = any(moments_);
    const Index x = any_block();
    const Index y = any_block();
    attempt(op, held.made_up, [&] {
      const double value = measure(held.state, x, y);
      if (!held.made_up) {
        check_similarity(value);
      }
    });
  }

  void axes() {
    const Held<Moments>& held = any(moments_);
    const Index x = any_block();
    const Truncation keep = truncation();
    attempt(Op::kPrincipalAxes, held.made_up, [&] {
      const auto found = principal_axes(testing::algebra(), covariance_of(held.state, x));
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

  void symmetric() {
    const Held<Moments>& held = any(moments_);
    const Index x = any_block();
    const Index y = any_block();
    constexpr std::array<double, 4> kEpsilons{0.0, 0.0, 1e-6, 1.0};
    const double epsilon = kEpsilons[static_cast<std::size_t>(in_.below(4))];
    const auto& algebra = testing::algebra();
    attempt(Op::kSymmetricCca, held.made_up, [&] {
      const BlockPair pair = pair_of(held.state, x, y);
      const Matrix oriented =
          pair.swapped ? algebra.transposed(*pair.cross) : algebra.copy(*pair.cross);
      const std::vector<double> rows(static_cast<std::size_t>(oriented.rows()),
                                     1.0 / pair.degrees());
      const std::vector<double> cols(static_cast<std::size_t>(oriented.cols()), 1.0);
      const Matrix cross = algebra.scaled_submatrix(oriented, index_range(oriented.rows()), rows,
                                                    index_range(oriented.cols()), cols);
      const auto solution =
          solve_symmetric_cca(algebra, pair.swapped ? pair.cols : pair.rows,
                              pair.swapped ? pair.rows : pair.cols, cross, epsilon);
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

  template <class State>
  static Index size(const Held<State>& held, Index block) {
    return held.state.block(block).size();
  }

  Reader& in_;
  std::vector<Index> sizes_;
  std::vector<Held<Moments>> moments_;
  std::vector<Held<QrFactor>> factors_;
};

}  // namespace

}  // namespace fastcca::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fastcca::fuzz::Reader in(data, size);
  fastcca::fuzz::Machine machine(in);
  for (int i = 0; i < fastcca::fuzz::kMostOperations && !in.empty(); ++i) {
    machine.step();
  }
  return 0;
}
