#include "failures.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "standin.hpp"

namespace standin {
namespace {

constexpr int kIgnored = -1;  // in place of a status: does nothing, and says that it did

struct Plan {
  std::string call;
  int skip;
  int count;
  int status;
  int info;
};

struct State {
  std::recursive_mutex mutex;
  std::vector<Plan> plans;
  std::map<std::string, std::size_t> calls;
};

// FASTCCA_STANDIN_FAIL=call:skip:count:status[:info],...
std::vector<Plan> plans_from_environment() {
  std::vector<Plan> plans;
  const char* text = std::getenv("FASTCCA_STANDIN_FAIL");
  std::istringstream list(text == nullptr ? "" : text);
  for (std::string item; std::getline(list, item, ',');) {
    Plan plan{
        .call = item.substr(0, item.find(':')), .skip = 0, .count = 0, .status = 0, .info = 0};
    const char* rest = item.c_str() + plan.call.size();
    if (std::sscanf(rest, ":%d:%d:%d:%d", &plan.skip, &plan.count, &plan.status, &plan.info) < 3) {
      die("FASTCCA_STANDIN_FAIL=%s: expected call:skip:count:status[:info],...", text);
    }
    plans.push_back(plan);
  }
  return plans;
}

State& state() {
  static auto* const instance = [] {
    auto* made = new State;
    made->plans = plans_from_environment();
    return made;
  }();
  return *instance;
}

// cublasDgemm is cublasDgemm_v2 and cublasDgemm_v2_64 as well.
std::string without_suffixes(std::string call) {
  for (const std::string suffix : {"_64", "_v2"}) {
    if (call.ends_with(suffix)) call.resize(call.size() - suffix.size());
  }
  return call;
}

bool names(const Plan& plan, const std::string& call) {
  if (plan.call == call) return true;
  return plan.call == "allocation" &&
         (call == "cudaMalloc" || call == "cudaMallocAsync" || call == "cudaMallocFromPoolAsync");
}

}  // namespace

void die(const char* format, ...) {
  char text[2000];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "fastcca_standin: %s\n", text);
  std::fflush(stderr);
  std::abort();
}

Entry::Entry(const char* name) : lock_(state().mutex), name_(name) {
  const std::string call = without_suffixes(name);
  ++state().calls[call];
  for (Plan& plan : state().plans) {
    if (!names(plan, call) || plan.count == 0) continue;
    if (plan.skip > 0) {
      --plan.skip;
      continue;
    }
    if (plan.count > 0) --plan.count;
    ignored_ = plan.status == kIgnored;
    failure_ = ignored_ ? 0 : plan.status;
    info_ = plan.info;
    return;
  }
}

}  // namespace standin

void fastcca_standin_fail(const char* call, int skip, int count, int status, int info) {
  const standin::Entry entry("fastcca_standin_fail");
  standin::state().plans.push_back({call, skip, count, status, info});
}

void fastcca_standin_fail_nothing() {
  const standin::Entry entry("fastcca_standin_fail_nothing");
  standin::state().plans.clear();
}

std::size_t fastcca_standin_calls(const char* call) {
  const standin::Entry entry("fastcca_standin_calls");
  const auto found = standin::state().calls.find(call);
  return found == standin::state().calls.end() ? 0 : found->second;
}
