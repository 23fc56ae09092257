#include <bit>

#include "bindings/bindings.hpp"

namespace fastcca {

namespace {

DType dtype_of(const py::dtype& dtype, const std::string& name) {
  struct Kind {
    char kind;
    py::ssize_t size;
    DType dtype;
  };
  constexpr Kind kKinds[] = {
      {'f', 2, DType::kFloat16}, {'f', 4, DType::kFloat32}, {'f', 8, DType::kFloat64},
      {'i', 1, DType::kInt8},    {'i', 2, DType::kInt16},   {'i', 4, DType::kInt32},
      {'i', 8, DType::kInt64},   {'u', 1, DType::kUInt8},   {'u', 2, DType::kUInt16},
      {'u', 4, DType::kUInt32},  {'u', 8, DType::kUInt64},  {'b', 1, DType::kUInt8}};
  for (const Kind& k : kKinds) {
    if (dtype.kind() == k.kind && dtype.itemsize() == k.size) {
      return k.dtype;
    }
  }
  if (dtype.kind() == 'V' && dtype.equal(bfloat16_dtype())) {
    return DType::kBFloat16;
  }
  throw py::type_error(name + " has dtype " + py::str(dtype).cast<std::string>() +
                       "; it must be float16, bfloat16, float32, float64, an integer or bool");
}

Precision precision_named(const std::string& name) {
  for (const Precision p : kPrecisions) {
    if (name == name_of(p)) {
      return p;
    }
  }
  throw py::value_error("unknown precision '" + name + "' of a block");
}

bool byte_swapped(const py::dtype& dtype) {
  return dtype.byteorder() == (std::endian::native == std::endian::little ? '>' : '<');
}

// The array, and the device that its memory belongs to. It is not to be read where there is one.
struct Given {
  py::array array;
  std::optional<int> device;
};

Given given(const py::object& value, const std::string& name) {
  if (py::isinstance<py::array>(value)) {
    return {value, std::nullopt};
  }
  if (!py::hasattr(value, "view_on_device")) {
    throw py::type_error(name + " is no array");
  }
  return {value.attr("view_on_device"), value.attr("device").cast<int>()};
}

// Refuses a block on a device that the state of that backend is not on.
void check_device(const Backend& backend, int device, const std::string& name) {
  if (memory_of_tensors() == Memory::kHost) {
    throw py::type_error(name + " lies on CUDA device " + std::to_string(device) +
                         ", and this state in the memory of the CPU: make the state with "
                         "backend=\"cuda\", or copy " +
                         name + ".cpu()");
  }
  if (device != device_of(backend)) {
    throw py::value_error(name + " lies on CUDA device " + std::to_string(device) +
                          ", and this state on device " + std::to_string(device_of(backend)) +
                          ": copy " + name + " there, or make the state with " +
                          "backend=\"cuda:" + std::to_string(device) + "\"");
  }
}

ArrayView view_of(const py::array& array, const std::string& name) {
  struct Axis {
    Index size;
    Index stride;
  };
  if (array.ndim() < 2) {
    throw py::value_error(name + " has " + std::to_string(array.ndim()) +
                          " dimensions; it must have samples and features");
  }
  ArrayView view;
  view.dtype = dtype_of(array.dtype(), name);
  view.byte_swapped = byte_swapped(array.dtype());
  view.data = static_cast<const unsigned char*>(array.data());
  view.cols = array.shape(array.ndim() - 1);
  view.col_stride = array.strides(array.ndim() - 1);
  // All axes but the last are samples; those that follow each other in memory are one.
  std::vector<Axis> axes;
  view.rows = 1;
  for (py::ssize_t i = 0; i + 1 < array.ndim(); ++i) {
    const Axis axis{array.shape(i), array.strides(i)};
    view.rows *= axis.size;
    if (axis.size == 1 && array.ndim() > 2) {
      continue;
    }
    if (!axes.empty() && axes.back().stride == axis.size * axis.stride) {
      axes.back() = {axes.back().size * axis.size, axis.stride};
    } else {
      axes.push_back(axis);
    }
  }
  if (axes.size() > 3) {
    throw py::value_error(name + " has samples in " + std::to_string(axes.size()) +
                          " levels of strides; at most 3 can be read in place");
  }
  if (!axes.empty()) {
    view.row_stride = axes.back().stride;
  }
  if (axes.size() >= 2) {
    view.run = axes.back().size;
    view.run_stride = axes[axes.size() - 2].stride;
    view.runs_per_outer = axes[axes.size() - 2].size;
    view.outer_stride = axes.size() == 3 ? axes[0].stride : 0;
  }
  return view;
}

}  // namespace

py::dtype bfloat16_dtype() {
  py::list names;
  py::list formats;
  py::list offsets;
  for (const int i : {0, 1}) {
    names.append("bfloat16_" + std::to_string(i));
    formats.append(py::dtype("u1"));
    offsets.append(i);
  }
  return py::dtype(names, formats, offsets, 2);
}

std::vector<ArrayView> views_of(const Backend& backend, const std::vector<std::string>& names,
                                const std::vector<py::object>& arrays,
                                const std::optional<std::vector<std::string>>& precisions) {
  if (names.size() != arrays.size() || (precisions && precisions->size() != names.size())) {
    throw py::value_error("update got " + std::to_string(names.size()) + " names for " +
                          std::to_string(arrays.size()) + " arrays");
  }
  std::vector<ArrayView> views;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Given block = given(arrays[i], names[i]);
    views.push_back(view_of(block.array, names[i]));
    if (block.device) {
      check_device(backend, *block.device, names[i]);
      views[i].memory = Memory::kDevice;
    }
    if (precisions) {
      views[i].rounded_to = precision_named((*precisions)[i]);
    }
  }
  return views;
}

std::vector<Block> blocks_of(const std::vector<std::string>& names,
                             const std::vector<DoubleVector>& means,
                             const std::vector<std::string>& precisions) {
  if (means.size() != names.size() || precisions.size() != names.size()) {
    throw py::value_error("the stored state names other blocks than it describes");
  }
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < names.size(); ++i) {
    blocks.push_back({names[i], to_vector(means[i]), precision_named(precisions[i])});
  }
  return blocks;
}

std::vector<double> to_vector(const DoubleVector& array) {
  return {array.data(), array.data() + array.size()};
}

}  // namespace fastcca
