// Any sequence of operations on a few states, as the bytes of an input say. After each of them the
// states and results must hold what invariants.hpp asks, and a refused one must not have changed
// anything.
#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/staged_moments.hpp"
#include "questions.hpp"

namespace fastcca::fuzz {

Counts& counts() {
  static Counts instance;
  return instance;
}

namespace {

constexpr int kMostOperations = 24;

class Machine {
 public:
  explicit Machine(Reader& in) : in_(in) {
    const Index blocks = 1 + in_.below(3);
    for (Index i = 0; i < blocks; ++i) {
      sizes_.push_back(1 + in_.below(i == 0 ? 12 : 8));
    }
    if (blocks == 3 && in_.rarely(2)) {
      sizes_[2] = sizes_[1];  // so that complex blocks occur
    }
    const Index single = in_.below(8);  // a bit for each
    for (int i = 0; i < 3; ++i) {
      const bool is_single = (single >> i) % 2 == 1;
      const Products products = is_single ? Products::kSingle : Products::kDouble;
      moments_.push_back({Moments(testing::backend(), products)});
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
        return ask_cca(in_, any(moments_), count());
      case Op::kComplexCca:
        return ask_complex_cca(in_, any(moments_));
      case Op::kFactorCca:
        return ask_factor_cca(in_, any(factors_), count());
      case Op::kPls:
        return ask_pls(in_, any(moments_), count());
      case Op::kCka:
        return ask_similarity(Op::kCka, linear_cka, in_, any(moments_), count());
      case Op::kProcrustes:
        return ask_similarity(Op::kProcrustes, procrustes, in_, any(moments_), count());
      case Op::kRegression:
        return in_.below(2) == 0 ? ask_regression(in_, any(moments_), count())
                                 : ask_regression(in_, any(factors_), count());
      case Op::kPrincipalAxes:
        return in_.below(2) == 0 ? ask_axes(in_, any(moments_), count())
                                 : ask_axes(in_, any(factors_), count());
      case Op::kMomentsOfFactor:
        return ask_moments_of_factor(any(factors_));
      case Op::kSymmetricCca:
        return ask_symmetric(in_, any(moments_), count());
      case Op::kSmallBatches:
        return small_batches(any(moments_));
    }
  }

 private:
  template <class State>
  Held<State>& any(std::vector<Held<State>>& states) {
    return states[static_cast<std::size_t>(in_.below(static_cast<Index>(states.size())))];
  }
  Index count() const { return static_cast<Index>(sizes_.size()); }

  struct Batch {
    std::vector<std::string> names;
    std::vector<Samples> samples;
    std::vector<ArrayView> views;
  };
  Batch batch(Index rows) {
    Batch out;
    const Index oddity = in_.below(40);  // mostly a batch that fits
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      const bool odd = i + 1 == sizes_.size();
      out.names.emplace_back(1, static_cast<char>('a' + (odd && oddity == 39 ? 0 : i)));
      const Index cols =
          sizes_[i] + (odd && oddity == 38 ? 1 : 0) - (odd && oddity == 37 ? sizes_[i] : 0);
      out.samples.push_back(read_samples(in_, rows + (odd && oddity == 36 ? 1 : 0), cols));
      out.views.push_back(out.samples.back().view);
    }
    if (oddity == 35) {
      out.names.pop_back();
    }
    return out;
  }

  template <class State, class F>
  void update(Op op, Held<State>& held, F apply) {
    const Index rows = in_.rarely(64) ? 0 : 1 + in_.below(24);
    const Batch given = batch(rows);
    const auto before = testing::snapshot(held.state);
    const bool ok = attempt(op, held.made_up, [&] {
      apply(held.state, std::span(given.names), std::span(given.views));
    });
    finish(held, before, ok);
    require(!ok || held.state.n_samples() == before.n + given.views[0].rows, "samples are counted");
    if constexpr (std::is_same_v<State, Moments>) {
      if (before.n == 0 && held.state.products() == Products::kSingle) {
        check_single_batch(held.state, given.names, given.views);
      }
    }
  }

  // Batches that wait for each other, beside a state that they are added to one by one.
  void small_batches(Held<Moments>& held) {
    StagedMoments staged(held.state.clone(), 1 + in_.below(96));
    const Index batches = 1 + in_.below(4);
    for (Index i = 0; i < batches; ++i) {
      const Batch given = batch(1 + in_.below(6));
      // Of one dtype, so that they wait together.
      const Index times = 1 + in_.below(4);
      for (Index k = 0; k < times; ++k) {
        const bool taken = attempt(Op::kSmallBatches, held.made_up,
                                   [&] { held.state.update(given.names, given.views, 1); });
        const bool ok = attempt(Op::kSmallBatches, held.made_up,
                                [&] { staged.update(given.names, given.views, 1); });
        require(ok == taken, "a batch is turned away when it comes");
        require(staged.n_samples() == held.state.n_samples(), "samples that wait are counted");
      }
      if (in_.rarely(4)) {
        check_state(staged.settled());
      }
    }
    check_state(staged.settled());
    require(staged.settled().n_samples() == held.state.n_samples(), "samples that wait are kept");
    require(staged.settled().block_count() == 0 ||
                staged.block(0).precision == held.state.block(0).precision,
            "the coarsest precision is remembered");
    held.state = staged.settled().clone();
    check_state(held.state);
  }

  template <class State>
  void merge(Op op, Held<State>& into, Held<State>& from) {
    const auto before = testing::snapshot(into.state);
    const auto other = testing::snapshot(from.state);
    into.made_up = into.made_up || from.made_up;
    const bool ok = attempt(op, into.made_up, [&] { into.state.merge(from.state); });
    finish(into, before, ok);
    require(!ok || into.state.n_samples() == before.n + other.n, "samples are counted");
    const Products coarsest =
        other.n > 0 ? std::max(before.products, other.products) : before.products;
    require(!ok || testing::snapshot(into.state).products == coarsest,
            "products are the coarsest of both");
    require(&into == &from || testing::same_bits(testing::snapshot(from.state), other),
            "a merge leaves the other state");
  }

  template <class State>
  void finish(const Held<State>& held, const testing::Snapshot& before, bool ok) {
    if (!ok) {
      require(testing::same_bits(testing::snapshot(held.state), before),
              "what throws changes nothing");
    } else {
      check_state(held.state);
    }
  }

  void clone() {
    Held<Moments>& from = any(moments_);
    Held<Moments>& to = any(moments_);
    Held<QrFactor>& factor = any(factors_);
    const auto before = testing::snapshot(from.state);
    attempt(Op::kClone, false, [&] {
      to = {from.state.clone(), from.made_up};
      factor.state = factor.state.clone();
    });
    require(testing::same_bits(testing::snapshot(to.state), before), "a clone has the same bits");
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
    const auto before = testing::snapshot(from.state);
    const Products products = in_.rarely(16) ? Products::kSingle : from.state.products();
    const bool changed =
        parts.changed || copied != from.state.block_count() || products != from.state.products();
    if (attempt(Op::kRestore, true, [&] {
          to = {Moments::restore(testing::backend(), parts.n, parts.blocks, std::move(scatter),
                                 products),
                from.made_up || changed};
        })) {
      require(to.state.products() == products, "products are what was stored");
      require(changed || testing::same_bits(testing::snapshot(to.state), before),
              "restored bit by bit");
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
    const auto before = testing::snapshot(from.state);
    if (attempt(Op::kRestoreFactor, true, [&] {
          to = {QrFactor::restore(testing::backend(), parts.n, parts.blocks, std::move(factor)),
                from.made_up || parts.changed};
        })) {
      require(parts.changed || testing::same_bits(testing::snapshot(to.state), before),
              "restored bit by bit");
    } else {
      require(parts.changed, "what a state gave fits");
    }
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
