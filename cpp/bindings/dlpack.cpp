// Reads tensors of other libraries where they lie, by the DLPack protocol.
#include <bit>

#include "bindings/bindings.hpp"
#include "bindings/dlpack_abi.hpp"

namespace fastcca {

namespace {

using dlpack::Tensor;

// A producer's tensor: whatever happens, it is given back once.
template <class Managed>
struct GiveBack {
  void operator()(Managed* managed) const {
    if (managed->deleter != nullptr) {
      managed->deleter(managed);
    }
  }
};
template <class Managed>
using Owned = std::unique_ptr<Managed, GiveBack<Managed>>;

// The tensor of a capsule, which is from now on our own: a renamed capsule deletes nothing.
template <class Managed>
Owned<Managed> tensor_of(const py::object& capsule, const char* name, const char* used_name) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (managed == nullptr || PyCapsule_SetName(capsule.ptr(), used_name) != 0) {
    throw py::error_already_set();
  }
  return Owned<Managed>(managed);
}

py::dtype dtype_of(const dlpack::DataType& type, const std::string& name) {
  struct Kind {
    int code;
    const char* letter;
    int least_bits, most_bits;
  };
  constexpr Kind kKinds[] = {{dlpack::kInt, "i", 8, 64},
                             {dlpack::kUInt, "u", 8, 64},
                             {dlpack::kFloat, "f", 16, 64},
                             {dlpack::kComplex, "c", 64, 128},
                             {dlpack::kBool, "b", 8, 8}};
  const int bits = type.bits;
  if (type.lanes == 1 && type.code == dlpack::kBFloat && bits == 16) {
    return bfloat16_dtype();
  }
  for (const Kind& kind : kKinds) {
    if (type.lanes == 1 && type.code == kind.code && std::has_single_bit(type.bits) &&
        bits >= kind.least_bits && bits <= kind.most_bits) {
      return py::dtype(type.code == dlpack::kBool ? "?" : kind.letter + std::to_string(bits / 8));
    }
  }
  throw py::type_error(name + " is a tensor of a dtype that cannot be read (DLPack code " +
                       std::to_string(type.code) + ", " + std::to_string(bits) + " bits, " +
                       std::to_string(type.lanes) +
                       " lanes); it must be float16, bfloat16, "
                       "float32, float64, an integer or bool");
}

void check_shape(const Tensor& tensor, const std::string& name) {
  constexpr int kMostAxes = 64;  // numpy's limit
  if (tensor.ndim < 0 || tensor.ndim > kMostAxes) {
    throw py::value_error(name + " is a tensor of " + std::to_string(tensor.ndim) + " axes");
  }
  for (std::int32_t i = 0; i < tensor.ndim; ++i) {
    if (tensor.shape[i] < 0) {
      throw py::value_error(name + " is a tensor with a negative size");
    }
  }
}

// An array that cannot be written to, and keeps the tensor for as long as it lives. On a device it
// must not be read either: numpy only carries its shape and strides.
template <class Managed>
py::array array_of(Owned<Managed> owned, std::int32_t device, const std::string& name) {
  const Tensor& tensor = owned->tensor;
  // Again, since a producer may say one thing and do another.
  stream_to_read(tensor.device.type, tensor.device.id, name);
  if (memory_of_tensors() == Memory::kDevice && tensor.device.id != device) {
    throw py::type_error(name + " says that it is on device " + std::to_string(device) +
                         ", but its tensor is on device " + std::to_string(tensor.device.id));
  }
  const py::dtype dtype = dtype_of(tensor.dtype, name);
  check_shape(tensor, name);
  const std::vector<py::ssize_t> shape(tensor.shape, tensor.shape + tensor.ndim);
  std::vector<py::ssize_t> strides(shape.size());
  py::ssize_t compact = dtype.itemsize();
  bool empty = false;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = tensor.strides == nullptr ? compact : tensor.strides[i] * dtype.itemsize();
    compact *= shape[i];
    empty = empty || shape[i] == 0;
  }
  if (empty) {  // there may be no memory behind it
    return py::array(dtype, shape);
  }
  const auto* data = static_cast<const unsigned char*>(tensor.data) + tensor.byte_offset;
  const py::capsule keeper(owned.get(),
                           [](void* p) { GiveBack<Managed>{}(static_cast<Managed*>(p)); });
  owned.release();  // NOLINT(bugprone-unused-return-value): the capsule has it
  py::array out(dtype, shape, strides, data, keeper);
  out.attr("setflags")(py::arg("write") = false);
  return out;
}

// The capsule of a producer, asked for in the way that it knows.
py::object capsule_of(const py::object& producer, std::optional<std::uintptr_t> stream) {
  const py::object method = producer.attr("__dlpack__");
  py::dict options;
  if (stream) {
    options["stream"] = *stream;
  }
  py::dict with_version(**options);
  with_version["max_version"] = py::make_tuple(dlpack::kMajorVersion, dlpack::kMinorVersion);
  try {
    return method(**with_version);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError)) {
      throw;
    }
  }
  return method(**options);  // a producer from before versions
}

py::array from_dlpack(const py::object& producer, const std::string& name) {
  const auto place = producer.attr("__dlpack_device__")().cast<py::tuple>();
  const auto device = place[1].cast<std::int32_t>();
  const py::object capsule =
      capsule_of(producer, stream_to_read(place[0].cast<std::int32_t>(), device, name));
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned") != 0) {
    auto owned = tensor_of<dlpack::VersionedTensor>(capsule, "dltensor_versioned",
                                                    "used_dltensor_versioned");
    if (owned->version.major != dlpack::kMajorVersion) {
      throw py::type_error(name + " speaks DLPack " + std::to_string(owned->version.major) +
                           ", but version 1 was asked for");
    }
    return array_of(std::move(owned), device, name);
  }
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor") != 0) {
    return array_of(tensor_of<dlpack::ManagedTensor>(capsule, "dltensor", "used_dltensor"), device,
                    name);
  }
  throw py::type_error(name + ".__dlpack__() returned no unused DLPack capsule");
}

}  // namespace

void bind_dlpack(py::module_& m) {
  m.def("from_dlpack", &from_dlpack, py::arg("producer"), py::arg("name"));
}

}  // namespace fastcca
