#include "core/types.hpp"

namespace fastcca {

Index size_of(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
    case DType::kUInt8:
      return 1;
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kInt16:
    case DType::kUInt16:
      return 2;
    case DType::kFloat32:
    case DType::kInt32:
    case DType::kUInt32:
      return 4;
    default:
      return 8;
  }
}

Precision precision_of(DType dtype) {
  switch (dtype) {
    case DType::kBFloat16:
      return Precision::kBFloat16;
    case DType::kFloat16:
      return Precision::kFloat16;
    case DType::kFloat32:
      return Precision::kFloat32;
    default:
      return Precision::kFloat64;
  }
}

double epsilon(Precision precision) {
  switch (precision) {
    case Precision::kBFloat16:
      return 0x1p-7;
    case Precision::kFloat16:
      return 0x1p-10;
    case Precision::kFloat32:
      return 0x1p-23;
    default:
      return 0x1p-52;
  }
}

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::kBFloat16:
      return "bfloat16";
    case Precision::kFloat16:
      return "float16";
    case Precision::kFloat32:
      return "float32";
    default:
      return "float64";
  }
}

Precision precision_of(const ArrayView& view) {
  const Precision stored = precision_of(view.dtype);
  return view.rounded_to ? coarser(*view.rounded_to, stored) : stored;
}

Precision coarser(Precision a, Precision b) { return epsilon(a) >= epsilon(b) ? a : b; }

}  // namespace fastcca
