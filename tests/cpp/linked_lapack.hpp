// LAPACK as the tests are linked with it.
#pragma once

#include "cpu/lapack.hpp"

namespace fastcca::testing {

LapackTable linked_lapack();

}  // namespace fastcca::testing
