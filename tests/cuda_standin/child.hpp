// Mistakes end the process, and settings are read once in it: what is about those runs in a process
// of its own, which is this program again with the name of a case.
#pragma once

#include <string>
#include <vector>

namespace standin::testing {

struct Outcome {
  int signal = 0;  // that ended the process, or 0
  int status = 0;  // what it exited with
  std::string output;
};

using Body = void (*)();
struct Case {
  Case(const char* name, Body body);
};

// environment: "NAME=value"
Outcome run_case(const std::string& name, const std::vector<std::string>& environment = {});
// In main, before doctest: runs the case that the arguments name, if they do.
bool run_named_case(int argc, char** argv);

// For the bodies of cases: says which line was wrong, and exits.
void require_in_case(bool holds, const char* expression, int line);

// The case was ended by `signal`, with a message that has all these parts.
void check_death(const std::string& name, int signal, const std::vector<std::string>& parts,
                 const std::vector<std::string>& environment = {});

}  // namespace standin::testing

#define CASE_REQUIRE(expression) \
  standin::testing::require_in_case(static_cast<bool>(expression), #expression, __LINE__)
#define STANDIN_CASE(function)                                             \
  void function();                                                         \
  const standin::testing::Case function##_registered(#function, function); \
  void function()
