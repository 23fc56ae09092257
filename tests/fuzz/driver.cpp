// Makes inputs for the fuzzer where there is no libFuzzer, and replays those in files:
//   fastcca_fuzz --executions N --seed S [--max-bytes B] [--save DIRECTORY]
//   fastcca_fuzz FILE...
#include <sys/time.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>

#include "fuzz.hpp"

// So that an error of a sanitizer ends in abort(), where the input is written down.
#define FASTCCA_SEEN_BY_RUNTIME extern "C" __attribute__((visibility("default")))
FASTCCA_SEEN_BY_RUNTIME const char* __asan_default_options();
FASTCCA_SEEN_BY_RUNTIME const char* __ubsan_default_options();
const char* __asan_default_options() { return "abort_on_error=1:detect_stack_use_after_return=1"; }
const char* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

namespace {

using Input = std::vector<std::uint8_t>;
using Random = std::mt19937_64;
using fastcca::fuzz::Op;

constexpr long kSecondsAtMost = 60;  // of one input, which takes less than a millisecond

struct Running {
  unsigned long long seed = 0;
  unsigned long long execution = 0;
  const Input* input = nullptr;
};
Running running;

// Called once nothing is to be trusted, but there is nothing left to lose either.
void write_down(int signal) {
  std::signal(signal, SIG_DFL);
  if (running.input != nullptr) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const std::uint8_t b : *running.input) {
      hash = (hash ^ b) * 0x100000001b3U;
    }
    char name[32];
    std::snprintf(name, sizeof(name), "crash-%016llx", static_cast<unsigned long long>(hash));
    if (std::FILE* file = std::fopen(name, "wb"); file != nullptr) {
      std::fwrite(running.input->data(), 1, running.input->size(), file);
      std::fclose(file);
    }
    std::fprintf(stderr, "%s: seed %llu, execution %llu, input in %s\n",
                 signal == SIGPROF ? "takes too long" : "failed", running.seed, running.execution,
                 name);
  }
  std::raise(signal);
}

// Of the processor: a machine that does much else, or stops us for a while, is no fault of an
// input.
void limit_seconds(long seconds) {
  itimerval limit{};
  limit.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &limit, nullptr);
}

void execute(const Input& input) {
  running.input = &input;
  limit_seconds(kSecondsAtMost);
  LLVMFuzzerTestOneInput(input.data(), input.size());
  limit_seconds(0);
  running.input = nullptr;
}

std::uint8_t below(Random& random, unsigned n) { return static_cast<std::uint8_t>(random() % n); }

Input any_bytes(Random& random, std::size_t most) {
  Input out(random() % most + 1);
  std::generate(out.begin(), out.end(), [&] { return static_cast<std::uint8_t>(random()); });
  return out;
}

// One block of samples as read_samples reads it: mostly doubles and floats of ordinary values.
void add_samples(Input& out, Random& random) {
  constexpr std::uint8_t kNearly[] = {3, 3, 3, 2, 2, 0, 1, 5, 9};
  out.push_back(below(random, 8) == 0 ? below(random, 12) : kNearly[below(random, 9)]);  // dtype
  out.push_back(below(random, 4));                                            // byte order
  out.push_back(below(random, 64) == 0 ? std::uint8_t{7} : std::uint8_t{0});  // rounded to
  if (out.back() == 7) {
    out.push_back(below(random, 4));
  }
  const std::uint8_t layout = below(random, 12);
  out.push_back(layout);
  if (layout >= 9) {
    const int extra = layout == 9 ? 2 : layout == 10 ? 2 : 6;
    for (int i = 0; i < extra; ++i) {
      out.push_back(below(random, 96));
    }
  }
  constexpr std::uint8_t kKinds[] = {0, 0, 1, 1, 2, 3, 4, 4, 5, 5, 0, 0, 1, 2, 3, 6};
  out.push_back(kKinds[below(random, 16)]);
  for (int i = 0; i < 4; ++i) {
    out.push_back(below(random, 256));
  }
}

// A long sequence of operations that mostly make sense: batches first, then questions.
Input operations(Random& random, std::size_t most) {
  Input out;
  const std::uint8_t blocks = below(random, 3);
  out.push_back(blocks);
  for (int i = 0; i <= blocks; ++i) {
    out.push_back(below(random, 24));
  }
  if (blocks == 2) {
    out.push_back(below(random, 2));
  }
  out.push_back(below(random, 8));  // whose products are single
  const auto batches = 2 + random() % 5;
  for (std::size_t i = 0; out.size() < most && i < 24; ++i) {
    constexpr Op kBuild[] = {Op::kUpdate,       Op::kUpdate, Op::kUpdate,      Op::kUpdateFactor,
                             Op::kUpdateFactor, Op::kMerge,  Op::kMergeFactor, Op::kClone};
    constexpr std::size_t kStates = 5;  // three of moments and two factors, none left empty
    const Op op = i < kStates ? (i < 3 ? Op::kUpdate : Op::kUpdateFactor)
                  : i < kStates + batches || below(random, 6) == 0
                      ? kBuild[below(random, 8)]
                      : static_cast<Op>(below(random, fastcca::fuzz::kOps));
    out.push_back(static_cast<std::uint8_t>(op));
    if (op == Op::kUpdate || op == Op::kUpdateFactor) {
      out.push_back(i < kStates ? static_cast<std::uint8_t>(i % 3)
                                : below(random, op == Op::kUpdate ? 3 : 2));        // which state
      out.push_back(0);                                                             // some samples
      out.push_back(below(random, 24));                                             // how many
      out.push_back(below(random, 32) == 0 ? below(random, 40) : std::uint8_t{0});  // what is odd
      for (int b = 0; b <= blocks; ++b) {
        add_samples(out, random);
      }
    } else {
      const auto operands = 4 + random() % 6;
      for (std::size_t k = 0; k < operands; ++k) {
        out.push_back(below(random, 30));
      }
    }
  }
  return out;
}

Input mutated(Input out, Random& random, std::size_t most) {
  const auto changes = 1 + random() % 4;
  for (std::size_t i = 0; i < changes && !out.empty(); ++i) {
    const auto at = out.begin() + static_cast<std::ptrdiff_t>(random() % out.size());
    switch (random() % 4) {
      case 0:
        *at = static_cast<std::uint8_t>(random());
        break;
      case 1:
        *at = static_cast<std::uint8_t>(*at ^ (1U << (random() % 8)));
        break;
      case 2:
        out.erase(at);
        break;
      default:
        out.insert(at, static_cast<std::uint8_t>(random()));
        break;
    }
  }
  out.resize(std::min(out.size(), most));
  return out;
}

void print_counts(unsigned long long executions) {
  const auto& counts = fastcca::fuzz::counts();
  std::printf("%llu executions\n%-16s %10s", executions, "operation", "done");
  for (const char* name : fastcca::fuzz::kErrorNames) {
    std::printf(" %18s", name);
  }
  std::printf("\n");
  for (std::size_t op = 0; op < fastcca::fuzz::kOps; ++op) {
    std::printf("%-16s %10zu", fastcca::fuzz::kOpNames[op], counts.done[op]);
    for (const std::size_t n : counts.thrown[op]) {
      std::printf(" %18zu", n);
    }
    std::printf("\n");
  }
}

// Such an input is what libFuzzer starts from.
void save(const Input& input, const std::string& directory, unsigned long long execution) {
  std::ofstream file(directory + "/input-" + std::to_string(execution), std::ios::binary);
  file.write(reinterpret_cast<const char*>(input.data()),
             static_cast<std::streamsize>(input.size()));
  if (!file) {
    std::fprintf(stderr, "cannot write to %s\n", directory.c_str());
    std::exit(2);
  }
}

void run(unsigned long long executions, unsigned long long seed, std::size_t most,
         const std::string& directory) {
  constexpr std::size_t kPool = 256;
  running.seed = seed;
  Random random(seed);
  std::vector<Input> pool;
  for (unsigned long long i = 0; i < executions; ++i) {
    const auto choice = random() % 8;
    Input input = choice == 0 ? any_bytes(random, most)
                  : choice < 6 || pool.empty()
                      ? operations(random, most)
                      : mutated(pool[random() % pool.size()], random, most);
    running.execution = i;
    execute(input);
    if (!directory.empty()) {
      save(input, directory, i);
    }
    if (pool.size() < kPool) {
      pool.push_back(std::move(input));
    } else {
      pool[random() % kPool] = std::move(input);
    }
  }
  print_counts(executions);
}

int usage() {
  std::fprintf(stderr,
               "usage: fastcca_fuzz --executions N --seed S [--max-bytes B] [--save DIRECTORY]\n"
               "       fastcca_fuzz FILE...\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, write_down);
  std::signal(SIGPROF, write_down);
  unsigned long long executions = 0;
  unsigned long long seed = 0;
  unsigned long long most = 512;
  unsigned long long replayed = 0;
  std::string directory;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument == "--save") {
      if (++i == argc) {
        return usage();
      }
      directory = argv[i];
      continue;
    }
    if (argument.starts_with("--")) {
      auto* const value = argument == "--executions"  ? &executions
                          : argument == "--seed"      ? &seed
                          : argument == "--max-bytes" ? &most
                                                      : nullptr;
      char* end = nullptr;
      if (value == nullptr || ++i == argc) {
        return usage();
      }
      *value = std::strtoull(argv[i], &end, 10);
      if (end == argv[i] || *end != '\0') {
        return usage();
      }
      continue;
    }
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 2;
    }
    execute(Input(std::istreambuf_iterator<char>(file), {}));
    ++replayed;
  }
  if (executions == 0 && replayed == 0) {
    return usage();
  }
  if (executions > 0) {
    run(executions, seed, std::max<std::size_t>(most, 1), directory);
  } else {
    print_counts(replayed);
  }
  return 0;
}
