// What differs between the modules that these bindings are compiled into: `_core` with the CPU's
// backend (module_core.cpp) and `_cuda` with CUDA's (module_cuda.cpp).
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/backend.hpp"

namespace fastcca {

// One of the module's devices, made when it is first asked for; the CPU has device 0 alone.
const Backend& backend_on(int device);
// The number of a backend's device.
int device_of(const Backend& backend);
// A RuntimeError where matrices cannot be decomposed here.
void require_usable();

// For a tensor that its producer keeps on a device of DLPack's: the stream on which it is to be
// ready, nothing where that has none. A TypeError where the module does not read that memory.
std::optional<std::uintptr_t> stream_to_read(std::int32_t device_type, std::int32_t device,
                                             const std::string& name);
// Where views of arrays of this module's memory lie.
Memory memory_of_tensors();
// Before memory of that backend is freed that was lent to others: they may still be at work on it.
void wait_for_borrowers(const Backend& backend) noexcept;

// What both modules offer.
void bind_backend(pybind11::module_& m);

}  // namespace fastcca
