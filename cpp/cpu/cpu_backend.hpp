// The backend's operations on host memory.
#pragma once

#include <memory>

#include "core/backend.hpp"
#include "cpu/lapack.hpp"

namespace fastcca {

std::unique_ptr<const Backend> make_cpu_backend(const LapackTable& table);

}  // namespace fastcca
