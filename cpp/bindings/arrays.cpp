#include "bindings/bindings.hpp"

namespace fastcca {

namespace {

DType dtype_of(const py::dtype& dtype, const std::string& name) {
  const auto size = dtype.itemsize();
  switch (dtype.kind()) {
    case 'f':
      if (size == 2) return DType::kFloat16;
      if (size == 4) return DType::kFloat32;
      if (size == 8) return DType::kFloat64;
      break;
    case 'i':
      if (size == 1) return DType::kInt8;
      if (size == 2) return DType::kInt16;
      if (size == 4) return DType::kInt32;
      if (size == 8) return DType::kInt64;
      break;
    case 'u':
    case 'b':
      if (size == 1) return DType::kUInt8;
      if (size == 2) return DType::kUInt16;
      if (size == 4) return DType::kUInt32;
      if (size == 8) return DType::kUInt64;
      break;
    default:
      break;
  }
  throw py::type_error(name + " has dtype " + py::str(dtype).cast<std::string>() +
                       "; it must be float16, float32, float64, an integer or bool");
}

bool swapped(const py::dtype& dtype) {
  const char order = dtype.byteorder();
  const std::uint16_t probe = 1;
  const bool little = *reinterpret_cast<const unsigned char*>(&probe) == 1;
  return order == (little ? '>' : '<');
}

}  // namespace

ArrayView view_of(const py::array& array, const std::string& name) {
  if (array.ndim() != 2) {
    throw py::value_error(name + " has " + std::to_string(array.ndim()) +
                          " dimensions; it must have 2: samples, features");
  }
  ArrayView view;
  view.dtype = dtype_of(array.dtype(), name);
  view.byte_swapped = swapped(array.dtype());
  view.data = static_cast<const unsigned char*>(array.data());
  view.rows = array.shape(0);
  view.cols = array.shape(1);
  view.row_stride = array.strides(0);
  view.col_stride = array.strides(1);
  return view;
}

DoubleVector to_numpy(const std::vector<double>& values) {
  return DoubleVector(static_cast<py::ssize_t>(values.size()), values.data());
}

py::array_t<Index> to_numpy(const std::vector<Index>& values) {
  return py::array_t<Index>(static_cast<py::ssize_t>(values.size()), values.data());
}

DoubleMatrix to_numpy(const Backend& backend, const Matrix& matrix) {
  DoubleMatrix out({matrix.rows(), matrix.cols()});
  backend.to_host(matrix, out.mutable_data());
  return out;
}

Matrix to_matrix(const Backend& backend, const DoubleMatrix& array) {
  if (array.ndim() != 2) {
    throw py::value_error("a matrix must have 2 dimensions, not " + std::to_string(array.ndim()));
  }
  return backend.from_host(array.data(), array.shape(0), array.shape(1));
}

std::vector<double> to_vector(const DoubleVector& array) {
  return {array.data(), array.data() + array.size()};
}

}  // namespace fastcca
