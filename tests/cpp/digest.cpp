// A fingerprint of every result of a fixed set of computations, one line each: the same lines from
// two builds say that not a bit differs.
#include <bit>
#include <cstdio>

#include "core/cca.hpp"
#include "core/factor_measures.hpp"
#include "core/google_cca.hpp"
#include "core/measures.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

// FNV-1a over the bits of what it is given.
class Digest {
 public:
  explicit Digest(std::string name) : name_(std::move(name)) {}
  ~Digest() { std::printf("%016llx %s\n", static_cast<unsigned long long>(hash_), name_.c_str()); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  Digest(Digest&&) = delete;
  Digest& operator=(Digest&&) = delete;

  void add(std::uint64_t bits) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      hash_ = (hash_ ^ ((bits >> shift) & 0xffU)) * 0x100000001b3U;
    }
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  void add(const Complex& value) {
    add(value.real());
    add(value.imag());
  }
  template <class T>
  void add(const std::vector<T>& values) {
    for (const T& value : values) {
      add(value);
    }
  }
  void add(Index value) { add(static_cast<std::uint64_t>(value)); }
  void add(const Matrix& a) { add(to_host(a).values); }
  void add(const ComplexMatrix& a) {
    std::vector<Complex> values(at(a.rows() * a.cols()));
    backend().complex().to_host(a, values.data());
    add(values);
  }
  void add(const Moments& moments) {
    const Snapshot all = snapshot(moments);
    add(all.n);
    add(all.means);
    add(all.scatter);
  }
  template <class Scalar>
  void add(const CcaSolutionOf<Scalar>& solution) {
    add(solution.correlations);
    for (const auto* side : {&solution.x, &solution.y}) {
      add(side->rank);
      add(side->condition);
      add(side->dead);
      if (side->weights) {
        add(*side->weights);
        add(*side->loadings);
      }
    }
  }

 private:
  std::string name_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

Moments moments_of_views(std::span<const ArrayView> views) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < views.size(); ++i) {
    names.push_back("block" + std::to_string(i));
  }
  Moments out(backend());
  out.update(names, views);
  out.update(names, views);
  return out;
}

void digest_layouts() {
  for (const DType dtype : kDTypes) {
    for (const Layout layout : kLayouts) {
      for (const bool swapped : {false, true}) {
        const Samples x = random_samples(300, 13, dtype, 3, layout, swapped);
        const Samples y = random_samples(300, 5, dtype, 4, layout, swapped);
        Digest digest("moments, dtype " + std::to_string(static_cast<int>(dtype)) + ", layout " +
                      std::to_string(static_cast<int>(layout)) + (swapped ? ", swapped" : ""));
        digest.add(moments_of_views(std::vector<ArrayView>{x.view, y.view}));
      }
    }
  }
}

void digest_shapes() {
  struct Shape {
    Index rows, p, q;
  };
  for (const Shape s : {Shape{1, 1, 1}, Shape{2, 3, 1}, Shape{257, 30, 17}, Shape{3000, 100, 30},
                        Shape{600, 520, 9}, Shape{40, 700, 3}}) {
    const Samples x = random_samples(s.rows, s.p, DType::kFloat32, 5);
    const Samples y = random_samples(s.rows, s.q, DType::kFloat64, 6, Layout::kColumnMajor);
    Digest digest("moments of " + std::to_string(s.rows) + " samples, " + std::to_string(s.p) +
                  " and " + std::to_string(s.q) + " features");
    digest.add(moments_of_views(std::vector<ArrayView>{x.view, y.view}));
  }
  Samples maps = random_samples(24, 7, DType::kFloat32, 8);
  maps.view.run = 4;  // images of 2 lines of 4 pixels, lines in reverse
  maps.view.run_stride = -4 * maps.view.row_stride;
  maps.view.runs_per_outer = 2;
  maps.view.outer_stride = 8 * maps.view.row_stride;
  maps.view.data += 4 * maps.view.row_stride;
  Digest digest("moments of folded maps");
  digest.add(moments_of_views(std::vector<ArrayView>{maps.view}));
}

// Blocks 0 and 1 are dense and share directions, 2 is of rank 3, 3 has dead units, 4 is as 1 wide.
std::vector<Dense> blocks() {
  const Index n = 400;
  const Dense x = random_matrix(n, 20, 11);
  Dense y = product(x, random_matrix(20, 12, 12));
  const Dense noise = random_matrix(n, 12, 13);
  for (std::size_t k = 0; k < y.values.size(); ++k) {
    y.values[k] += 3.0 * noise.values[k];
  }
  Dense dead = random_matrix(n, 6, 16);
  for (Index i = 0; i < n; ++i) {
    dead(i, 2) = 0.1;
  }
  return {x, y, product(random_matrix(n, 3, 14), random_matrix(3, 9, 15)), dead,
          random_matrix(n, 12, 17)};
}

void digest_measures(const Moments& moments) {
  for (Index x = 0; x < 4; ++x) {
    for (Index y = 0; y < 4; ++y) {
      const std::string pair = ", blocks " + std::to_string(x) + " and " + std::to_string(y);
      const Truncation keep{Truncation::By::kVariance, 0.9, 0};
      for (const double ridge : {0.0, 0.1}) {
        for (const bool weights : {false, true}) {
          Digest digest("cca, ridge " + std::to_string(ridge) + (weights ? ", weights" : "") +
                        pair);
          digest.add(solve_cca(moments, x, y, {ridge, weights, {}, {}}));
        }
      }
      Digest("svcca" + pair).add(solve_cca(moments, x, y, {0.0, true, keep, keep}));
      const PlsSolution pls = solve_pls(moments, x, y);
      Digest digest("pls and similarities" + pair);
      digest.add(pls.singular_values);
      digest.add(pls.x_weights);
      digest.add(pls.y_weights);
      digest.add(linear_cka(moments, x, y));
      digest.add(procrustes(moments, x, y));
      digest.add(linear_regression(moments, x, y).r2);
    }
  }
  for (const double epsilon : {0.0, 1e-3}) {
    Digest digest("symmetric cca, epsilon " + std::to_string(epsilon));
    const auto solution =
        solve_symmetric_cca(algebra(), covariance_of(moments, 1), covariance_of(moments, 0),
                            moments.scatter(1, 0), epsilon);
    digest.add(solution.correlations);
    digest.add(solution.u);
    digest.add(solution.vt);
    digest.add(solution.x_inverse_sqrt);
  }
  const ComplexBlock x{0, std::nullopt};
  const ComplexBlock y{1, 4};
  Digest("complex cca").add(solve_cca(moments, x, y, {0.0, true, {}, {}}));
}

void digest_factor(const std::vector<Dense>& data) {
  std::vector<Samples> samples;
  std::vector<ArrayView> views;
  std::vector<std::string> names;
  for (const Dense& block : data) {
    samples.push_back(samples_of(block));
    views.push_back(samples.back().view);
    names.push_back("block" + std::to_string(names.size()));
  }
  QrFactor factor(backend());
  factor.update(names, views, 1);
  factor.update(names, views, 2);
  Digest("factor").add(factor.factor());
  for (Index x = 0; x < 4; ++x) {
    Digest("factor cca, blocks " + std::to_string(x) + " and 1")
        .add(solve_cca(factor, x, 1, {0.0, true, {}, {}}));
  }
}

}  // namespace

}  // namespace fastcca::testing

int main() {
  using namespace fastcca::testing;
  digest_layouts();
  digest_shapes();
  const auto data = blocks();
  digest_measures(moments_of(data));
  digest_factor(data);
  return 0;
}
