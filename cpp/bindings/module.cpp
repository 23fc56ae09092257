// What the compiled modules of fastcca offer: a table of contents.
#include "bindings/module.hpp"

#include "bindings/bindings.hpp"

namespace fastcca {

void bind_backend(py::module_& m) {
  m.doc() = "The compiled core of fastcca. Private: use the functions of the package.";
  m.attr("__version__") = FASTCCA_VERSION;
  bind_dlpack(m);
  bind_moments(m);
  bind_qr_factor(m);
  bind_cca(m);
  bind_few_samples(m);
  bind_google(m);
  bind_measures(m);
  bind_pairwise(m);
  bind_resampling(m);
}

}  // namespace fastcca
