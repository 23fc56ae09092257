// The quantities of google/svcca.
#include <algorithm>

#include "bindings/bindings.hpp"
#include "core/google_cca.hpp"

namespace fastcca {

namespace {

py::array_t<bool> mask_of(const std::vector<Index>& kept, Index size) {
  py::array_t<bool> out(size);
  std::fill_n(out.mutable_data(), size, false);
  for (const Index j : kept) {
    out.mutable_at(j) = true;
  }
  return out;
}

// None or what was solved, neurons kept of x, neurons kept of y
using Found = std::tuple<std::optional<py::dict>, py::array_t<bool>, py::array_t<bool>>;

template <class Scalar>
Found to_tuple(const LinearAlgebra<Scalar>& algebra, const GoogleCcaOf<Scalar>& found, Index p,
               Index q, bool conjugate) {
  const auto matrix = [&](const MatrixOf<Scalar>& a) {
    NumpyMatrix<Scalar> out = to_numpy<Scalar>(algebra, a);
    if constexpr (std::is_same_v<Scalar, Complex>) {
      if (conjugate) {
        std::transform(out.data(), out.data() + out.size(), out.mutable_data(),
                       [](const Complex& v) { return std::conj(v); });
      }
    }
    return out;
  };
  std::optional<py::dict> parts;
  if (found.solved) {
    const SymmetricCcaOf<Scalar>& s = *found.solved;
    py::dict out;
    out["u"] = matrix(s.u);
    out["correlations"] = to_numpy(s.correlations);
    out["vt"] = matrix(s.vt);
    out["x_inverse_sqrt"] = matrix(s.x_inverse_sqrt);
    out["y_inverse_sqrt"] = matrix(s.y_inverse_sqrt);
    out["x_rank"] = s.x_rank;
    out["y_rank"] = s.y_rank;
    parts = std::move(out);
  }
  return {std::move(parts), mask_of(found.x_kept, p), mask_of(found.y_kept, q)};
}

Found of_moments(const LockedMoments& moments, Index x, Index y, double epsilon) {
  require_usable();
  const LinearAlgebra<double>& algebra = moments.backend();
  const auto [found, p, q] = without_gil(moments, [&](const Moments& m) {
    return std::tuple(google_cca(m, x, y, epsilon), m.block(x).size(), m.block(y).size());
  });
  return to_tuple(algebra, found, p, q, false);
}

Found of_complex_moments(const LockedMoments& moments, const ComplexIndex& x, const ComplexIndex& y,
                         double epsilon, const Energy& x_energy, const Energy& y_energy) {
  require_usable();
  const auto [found, p, q] = without_gil(moments, [&](const Moments& m) {
    return std::tuple(google_cca(m, block_of(x), block_of(y), epsilon, x_energy, y_energy),
                      m.block(x.first).size(), m.block(y.first).size());
  });
  // Of covariances there the second block is conjugated, of ours the first.
  return to_tuple(moments.backend().complex(), found, p, q, true);
}

template <class Scalar>
Found of_covariances(const LinearAlgebra<Scalar>& algebra, const NumpyMatrix<Scalar>& x_cov,
                     const NumpyMatrix<Scalar>& y_cov, const NumpyMatrix<Scalar>& cross_cov,
                     double epsilon) {
  require_usable();
  const auto xx = to_matrix<Scalar>(algebra, x_cov);
  const auto yy = to_matrix<Scalar>(algebra, y_cov);
  const auto xy = to_matrix<Scalar>(algebra, cross_cov);
  if (xx.rows() != xx.cols() || yy.rows() != yy.cols() || xy.rows() != xx.rows() ||
      xy.cols() != yy.rows()) {
    throw py::value_error("the covariances must have shapes (p, p), (q, q) and (p, q)");
  }
  const auto found = without_gil([&] {
    const auto block = [&](const MatrixOf<Scalar>& a) {
      return BlockCovarianceOf<Scalar>{&a, 1.0, algebra.diagonal(a)};
    };
    return google_cca(algebra, block(xx), block(yy), xy, epsilon);
  });
  return to_tuple(algebra, found, xx.rows(), yy.rows(), false);
}

std::pair<DoubleVector, DoubleVector> weights(const LockedMoments& moments, Index x, Index y,
                                              double epsilon) {
  require_usable();
  const GoogleWeights found =
      without_gil(moments, [&](const Moments& m) { return google_weights(m, x, y, epsilon); });
  return {to_numpy(found.correlations), to_numpy(found.weights)};
}

}  // namespace

void bind_google(py::module_& m) {
  m.def("google_cca", &of_moments, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("epsilon"));
  m.def("google_complex_cca", &of_complex_moments, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("epsilon"), py::arg("x_energy") = py::none(), py::arg("y_energy") = py::none());
  const auto define = [&m](const char* name, auto function) {
    m.def(name, function, py::arg("x_cov"), py::arg("y_cov"), py::arg("cross_cov"),
          py::arg("epsilon"), py::arg("device") = 0);
  };
  define("google_cca_of_covariances",
         [](const NumpyMatrix<double>& xx, const NumpyMatrix<double>& yy,
            const NumpyMatrix<double>& xy, double epsilon, int device) {
           return of_covariances<double>(backend_on(device), xx, yy, xy, epsilon);
         });
  define("google_complex_cca_of_covariances",
         [](const NumpyMatrix<Complex>& xx, const NumpyMatrix<Complex>& yy,
            const NumpyMatrix<Complex>& xy, double epsilon, int device) {
           return of_covariances<Complex>(backend_on(device).complex(), xx, yy, xy, epsilon);
         });
  m.def("google_weights", &weights, py::arg("moments"), py::arg("x"), py::arg("y"),
        py::arg("epsilon"));
}

}  // namespace fastcca
