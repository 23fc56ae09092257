// Each device's addresses: one memory file, mapped twice. Addresses are given out in a circle, so
// that what was freed is not soon another block.
#pragma once

#include <cstddef>

namespace standin {

constexpr std::size_t kPageBytes = 4096;

char* visible_base(int device);  // what the caller sees: no access
char* working_base(int device);  // the same bytes for the stand-in
// The offset of pages that no block has, with a page of nobody behind them.
std::size_t take_addresses(int device, std::size_t bytes);
void give_back_pages(int device, std::size_t offset, std::size_t bytes);
int device_of_address(const void* pointer);  // -1 where it is none's

}  // namespace standin
