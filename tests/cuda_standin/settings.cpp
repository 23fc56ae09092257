#include "settings.hpp"

#include <cstdlib>
#include <string>

#include "failures.hpp"

namespace standin {
namespace {

constexpr std::size_t kDefaultMemory = std::size_t{4} << 30;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

unsigned long long number(const char* name, unsigned long long otherwise) {
  const std::string text = variable(name);
  if (text.empty()) return otherwise;
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 10);
  if (*end != '\0') die("%s=%s: not a number", name, text.c_str());
  return value;
}

Driver driver_from_environment() {
  const std::string text = variable("FASTCCA_STANDIN_DRIVER");
  if (text.empty() || text == "present") return Driver::kPresent;
  if (text == "missing") return Driver::kMissing;
  if (text == "old") return Driver::kOld;
  if (text == "no_device") return Driver::kNoDevice;
  die("FASTCCA_STANDIN_DRIVER=%s: not one of present, missing, old, no_device", text.c_str());
}

Schedule schedule_from_environment() {
  if (number("FASTCCA_STANDIN_EAGER", 0) != 0) return Schedule::kEager;
  const std::string text = variable("FASTCCA_STANDIN_SCHEDULE");
  if (text.empty() || text == "lazy") return Schedule::kLazy;
  if (text == "ahead") return Schedule::kAhead;
  if (text == "random") return Schedule::kRandom;
  if (text == "eager") return Schedule::kEager;
  die("FASTCCA_STANDIN_SCHEDULE=%s: not one of lazy, ahead, random, eager", text.c_str());
}

Leaks fatal_leaks_from_environment() {
  const std::string text = variable("FASTCCA_STANDIN_LEAKS_FATAL");
  if (text.empty() || text == "0") return Leaks::kNone;
  if (text == "blocks") return Leaks::kBlocks;
  if (text == "1" || text == "all") return Leaks::kAll;
  die("FASTCCA_STANDIN_LEAKS_FATAL=%s: not one of 0, blocks, all", text.c_str());
}

Settings from_environment() {
  Settings result;
  result.devices = static_cast<int>(number("FASTCCA_STANDIN_DEVICES", 1));
  result.memory = number("FASTCCA_STANDIN_MEMORY", kDefaultMemory);
  result.pools = number("FASTCCA_STANDIN_POOLS", 1) != 0;
  result.driver = driver_from_environment();
  result.schedule = schedule_from_environment();
  result.seed = number("FASTCCA_STANDIN_SEED", 1);
  result.check_races = number("FASTCCA_STANDIN_RACES", 1) != 0;
  result.leak_report = variable("FASTCCA_STANDIN_LEAKS");
  result.fatal_leaks = fatal_leaks_from_environment();
  return result;
}

}  // namespace

Settings& settings() {
  static auto* const instance = new Settings(from_environment());  // outlives every destructor
  return *instance;
}

}  // namespace standin
