// Streams with the operations queued on them, and events. An operation runs when a synchronisation
// covers it, not before.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "memory.hpp"
#include "races.hpp"

namespace standin {

struct Stream;
using StreamPointer = std::shared_ptr<Stream>;

struct Position {
  StreamPointer stream;
  std::uint64_t position = 0;
};

struct Operation {
  std::string name;
  std::vector<Operand> operands;
  std::function<void(const Moment&)> run;
  std::vector<Position> waits{};  // NOLINT(readability-redundant-member-init): -Wextra wants it
  Moment moment{};                // NOLINT(readability-redundant-member-init)
};

struct Stream {
  std::size_t number = 0;
  int device = 0;
  bool blocking = false;  // in order with the legacy default stream
  bool destroyed = false;
  std::deque<Operation> pending;
  std::uint64_t queued = 0;  // positions of the last operation queued and run
  std::uint64_t done = 0;
  Clock clock;  // what the next operation comes after
};

struct Event {
  int device = 0;
  bool recorded = false;
  std::vector<Position> positions;
  Clock clock;
};

StreamPointer make_stream(int device, bool blocking);
void destroy_stream(const StreamPointer& stream);
// The stream of a handle, 1 and 2 included; null where it is none that lives.
StreamPointer stream_of_handle(const void* handle, int current_device);
std::size_t live_streams();
std::size_t queued_operations();
bool is_queued(const Block& block);  // by an operation that has not run

// Checks the operands for races and queues.
void enqueue(const StreamPointer& stream, Operation operation);
// The same for what a blocking call does now, in order with blocking streams alone.
void run_now(int device, Operation operation);

void record(Event& event, const StreamPointer& stream);
void wait_for(const StreamPointer& stream, const Event& event);

// These run what they cover, and what the host does next comes after it.
void synchronize(const StreamPointer& stream);
void synchronize(const Event& event);
void synchronize_device(int device);
void synchronize_all();
// Runs at most one operation, as time passing would; true where all has run.
bool progress(const StreamPointer& stream);
bool progress(const Event& event);

}  // namespace standin
