// BLAS and LAPACK of SciPy.
#pragma once

#include <string>

#include "cpu/lapack.hpp"

namespace fastcca {

// Fills the table; returns an empty text, or why SciPy's LAPACK cannot be used.
std::string load_lapack();
const LapackTable& lapack_table();
const std::string& lapack_error();

}  // namespace fastcca
