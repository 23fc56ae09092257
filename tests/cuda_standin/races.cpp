#include "races.hpp"

#include <algorithm>
#include <utility>

#include "failures.hpp"
#include "settings.hpp"

namespace standin {
namespace {

constexpr std::size_t kMost = 256;

bool before(const Moment& a, const Moment& b) {
  return a.stream < b.before->size() && a.position <= (*b.before)[a.stream];
}

bool covers(const Region& a, const Region& b) {
  return a.offset == b.offset && a.width == b.width && a.rows == b.rows && a.pitch == b.pitch;
}

}  // namespace

bool overlap(const Region& a, const Region& b) {
  if (a.empty() || b.empty() || a.end() <= b.offset || b.end() <= a.offset) return false;
  const std::size_t pitch = a.rows > 1 ? a.pitch : b.pitch;
  const bool comparable = (a.rows == 1 || a.pitch == pitch) && (b.rows == 1 || b.pitch == pitch) &&
                          a.width <= pitch && b.width <= pitch;
  if (!comparable || (a.rows == 1 && b.rows == 1)) return true;
  // Columns of one pitch: two matrices side by side in the same rows touch no common byte.
  const std::size_t column_a = a.offset % pitch;
  const std::size_t column_b = b.offset % pitch;
  return (column_b + pitch - column_a) % pitch < a.width ||
         (column_a + pitch - column_b) % pitch < b.width;
}

void join(Clock& clock, const Clock& other) {
  if (clock.size() < other.size()) clock.resize(other.size(), 0);
  for (std::size_t i = 0; i < other.size(); ++i) clock[i] = std::max(clock[i], other[i]);
}

void History::add(PastAccess access, const std::string& block) {
  if (!settings().check_races || access.region.empty()) return;
  for (const PastAccess& past : past_) {
    if (!(past.writes || access.writes) || !overlap(past.region, access.region)) continue;
    if (past.moment.stream == access.moment.stream || before(past.moment, access.moment) ||
        before(access.moment, past.moment)) {
      continue;
    }
    die("race: %s (%s) %s %s while %s (%s) on another stream %s it: no event or synchronisation "
        "puts the two in order",
        access.moment.operation.c_str(), access.argument, access.writes ? "writes" : "reads",
        block.c_str(), past.moment.operation.c_str(), past.argument,
        past.writes ? "writes" : "reads");
  }
  if (past_.size() >= kMost) {
    // Whatever conflicts with one of these conflicts with the new access as well, except for what a
    // kernel that has not run yet will turn out to touch.
    std::erase_if(past_, [&](const PastAccess& past) {
      return covers(past.region, access.region) && (access.writes || !past.writes) &&
             before(past.moment, access.moment);
    });
  }
  past_.push_back(std::move(access));
}

}  // namespace standin
