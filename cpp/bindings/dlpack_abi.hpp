// The structs of DLPack 1.x, a fixed binary interface: https://dmlc.github.io/dlpack/latest/ (the
// protocol in Python: python_spec.html there). Only what is read or written here.
#pragma once

#include <cstdint>

namespace fastcca::dlpack {

inline constexpr std::uint32_t kMajorVersion = 1;
inline constexpr std::uint32_t kMinorVersion = 0;  // the least that has what we read

enum DeviceType : std::int32_t {  // NOLINT(performance-enum-size): a fixed ABI
  kCpu = 1,
  kCuda = 2,
  kCudaHost = 3,  // pinned memory, which the CPU reads like any other
  kRocmHost = 11,
  kCudaManaged = 13,
};

enum TypeCode : std::uint8_t {
  kInt = 0,
  kUInt = 1,
  kFloat = 2,
  kBFloat = 4,
  kComplex = 5,
  kBool = 6
};

struct Device {
  std::int32_t type;
  std::int32_t id;
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t ndim;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null where the tensor is compact and in C order
  std::uint64_t byte_offset;
};

// What a capsule named "dltensor" points to.
struct ManagedTensor {
  Tensor tensor;
  void* context;
  void (*deleter)(ManagedTensor*);
};

struct Version {
  std::uint32_t major;
  std::uint32_t minor;
};

// What a capsule named "dltensor_versioned" points to. Of another major version only the version
// and the deleter may be read.
struct VersionedTensor {
  Version version;
  void* context;
  void (*deleter)(VersionedTensor*);
  std::uint64_t flags;
  Tensor tensor;
};

inline constexpr std::uint64_t kReadOnly = 1;  // of the flags

static_assert(sizeof(Tensor) == 48 && sizeof(ManagedTensor) == 64 && sizeof(VersionedTensor) == 80,
              "the interface is that of 64-bit machines");

}  // namespace fastcca::dlpack
