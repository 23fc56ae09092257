#include "child.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace standin::testing {
namespace {

constexpr const char* kArgument = "--case";

std::map<std::string, Body>& cases() {
  static std::map<std::string, Body> instance;
  return instance;
}

std::string read_all(int file) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = read(file, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace

Case::Case(const char* name, Body body) { cases()[name] = body; }

Outcome run_case(const std::string& name, const std::vector<std::string>& environment) {
  REQUIRE(cases().contains(name));
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    for (const std::string& variable : environment) putenv(strdup(variable.c_str()));
    execl("/proc/self/exe", "standin", kArgument, name.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  Outcome outcome;
  outcome.output = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  return outcome;
}

bool run_named_case(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], kArgument) != 0) return false;
  cases().at(argv[2])();
  return true;
}

void require_in_case(bool holds, const char* expression, int line) {
  if (holds) return;
  std::fprintf(stderr, "line %d does not hold: %s\n", line, expression);
  std::exit(1);
}

void check_death(const std::string& name, int signal, const std::vector<std::string>& parts,
                 const std::vector<std::string>& environment) {
  CAPTURE(name);
  const Outcome outcome = run_case(name, environment);
  CAPTURE(outcome.output);
  CHECK(outcome.signal == signal);
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(outcome.output.find(part) != std::string::npos);
  }
}

}  // namespace standin::testing
