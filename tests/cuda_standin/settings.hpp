// How the stand-in behaves: from the environment when the process starts, and by standin.hpp later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace standin {

enum class Driver : std::uint8_t { kPresent, kMissing, kOld, kNoDevice };

// In which order queued operations run where the program leaves the choice.
enum class Schedule : std::uint8_t {
  kLazy,    // only what a synchronisation covers
  kAhead,   // every other stream first, as far as it can go
  kRandom,  // any order that events allow, drawn from the seed
  kEager    // nothing is deferred
};

// Which of what is alive at exit ends the process with a failure.
enum class Leaks : std::uint8_t { kNone, kBlocks, kAll };

struct Settings {
  int devices = 1;
  std::size_t memory = 0;
  bool pools = true;
  Driver driver = Driver::kPresent;
  Schedule schedule = Schedule::kLazy;
  std::uint64_t seed = 0;
  bool check_races = true;
  std::string leak_report;  // empty: none, "-": stderr, else a file to append to
  Leaks fatal_leaks = Leaks::kNone;
};

Settings& settings();

}  // namespace standin
