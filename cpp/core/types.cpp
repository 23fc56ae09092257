#include "core/types.hpp"

namespace fastcca {

Index size_of(DType dtype) {
  constexpr std::array<Index, 12> kBytes{2, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8};  // in their order
  return kBytes.at(static_cast<std::size_t>(dtype));
}

Precision precision_of(DType dtype) {
  constexpr std::array<Precision, 3> kRounded{Precision::kFloat16, Precision::kBFloat16,
                                              Precision::kFloat32};  // the first ones
  const auto place = static_cast<std::size_t>(dtype);
  return place < kRounded.size() ? kRounded.at(place) : Precision::kFloat64;
}

double epsilon(Precision precision) {
  constexpr std::array<double, 4> kEpsilons{0x1p-52, 0x1p-23, 0x1p-10, 0x1p-7};  // in their order
  return kEpsilons.at(static_cast<std::size_t>(precision));
}

const char* name_of(Precision precision) {
  constexpr std::array<const char*, 4> kNames{"float64", "float32", "float16", "bfloat16"};
  return kNames.at(static_cast<std::size_t>(precision));
}

Precision precision_of(const ArrayView& view) {
  const Precision stored = precision_of(view.dtype);
  return view.rounded_to ? coarser(*view.rounded_to, stored) : stored;
}

Precision coarser(Precision a, Precision b) { return epsilon(a) >= epsilon(b) ? a : b; }

}  // namespace fastcca
