// The compiled module of fastcca: a table of contents.
#include "bindings/bindings.hpp"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of fastcca. Private: use the functions of the package.";
  m.attr("__version__") = FASTCCA_VERSION;
  fastcca::load_lapack();
  fastcca::bind_config(m);
  fastcca::bind_dlpack(m);
  fastcca::bind_moments(m);
  fastcca::bind_qr_factor(m);
  fastcca::bind_cca(m);
  fastcca::bind_measures(m);
  fastcca::bind_pairwise(m);
}
