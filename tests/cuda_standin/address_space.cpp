#include "address_space.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "failures.hpp"

namespace standin {
namespace {

constexpr std::size_t kSpaceBytes = std::size_t{64} << 30;  // of addresses, not of memory

struct Space {
  int file = -1;
  char* visible = nullptr;
  char* working = nullptr;
  std::size_t next = 0;
  std::map<std::size_t, std::size_t> taken;  // offset to bytes
};

std::vector<Space*>& spaces() {
  static auto* const instance = new std::vector<Space*>;
  return *instance;
}

char* map(int file, int protection) {
  void* mapped = mmap(nullptr, kSpaceBytes, protection, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (mapped == MAP_FAILED) die("cannot map a device's addresses: %s", std::strerror(errno));
  // A core file of a mistake caught shall not hold all of a device.
  madvise(mapped, kSpaceBytes, MADV_DONTDUMP);
  return static_cast<char*>(mapped);
}

Space* make_space() {
  auto* space = new Space;
  space->file = memfd_create("fastcca_standin_device", MFD_CLOEXEC);
  if (space->file < 0 || ftruncate(space->file, static_cast<off_t>(kSpaceBytes)) != 0) {
    die("cannot make a device's memory: %s", std::strerror(errno));
  }
  space->visible = map(space->file, PROT_NONE);
  space->working = map(space->file, PROT_READ | PROT_WRITE);
  return space;
}

Space& space_of(int device) {
  const auto index = static_cast<std::size_t>(device);
  while (spaces().size() <= index) spaces().push_back(make_space());
  return *spaces()[index];
}

}  // namespace

char* visible_base(int device) { return space_of(device).visible; }
char* working_base(int device) { return space_of(device).working; }

std::size_t take_addresses(int device, std::size_t bytes) {
  Space& space = space_of(device);
  const std::size_t wanted = bytes + kPageBytes;
  bool wrapped = false;
  for (std::size_t offset = space.next;;) {
    if (offset + wanted > kSpaceBytes) {
      if (wrapped) die("device %d has no %zu bytes of addresses left", device, bytes);
      wrapped = true;
      offset = 0;
    }
    auto after = space.taken.lower_bound(offset + wanted);
    if (after == space.taken.begin()) {
      space.next = offset + wanted;
      space.taken[offset] = wanted;
      return offset;
    }
    --after;
    if (after->first + after->second <= offset) {
      space.next = offset + wanted;
      space.taken[offset] = wanted;
      return offset;
    }
    offset = after->first + after->second;
  }
}

void give_back_pages(int device, std::size_t offset, std::size_t bytes) {
  Space& space = space_of(device);
  space.taken.erase(offset);
  fallocate(space.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
            static_cast<off_t>(bytes));
}

int device_of_address(const void* pointer) {
  const char* address = static_cast<const char*>(pointer);
  for (std::size_t i = 0; i < spaces().size(); ++i) {
    const Space& space = *spaces()[i];
    if (address >= space.visible && address < space.visible + kSpaceBytes)
      return static_cast<int>(i);
  }
  return -1;
}

}  // namespace standin
