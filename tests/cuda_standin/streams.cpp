#include "streams.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "failures.hpp"
#include "settings.hpp"

namespace standin {
namespace {

constexpr std::uintptr_t kLegacyHandle = 1;
constexpr std::uintptr_t kPerThreadHandle = 2;

struct State {
  std::vector<StreamPointer> streams;  // those that live, or have work left
  std::map<int, StreamPointer> legacy;
  std::map<int, StreamPointer> per_thread;
  std::vector<std::size_t> free_numbers;
  std::vector<std::uint64_t> last_position;  // by stream number: numbers are used again
  Clock host;                                // what the host has waited for
  std::mt19937_64 random{settings().seed};
};

State& state() {
  static auto* const instance = new State;
  return *instance;
}

bool is_done(const Position& position) { return position.stream->done >= position.position; }

bool is_ready(const Stream& stream) {
  return !stream.pending.empty() && std::all_of(stream.pending.front().waits.begin(),
                                                stream.pending.front().waits.end(), is_done);
}

void run_front(Stream& stream) {
  Operation operation = std::move(stream.pending.front());
  stream.pending.pop_front();
  for (const Operand& operand : operation.operands) {
    if (!operand.block->live) {
      die("%s: argument %s was freed while the operation was queued: %s", operation.name.c_str(),
          operand.argument, operand.block->name().c_str());
    }
  }
  if (operation.run) operation.run(operation.moment);
  stream.done = operation.moment.position;
}

// The least that must run for this to be done.
void run_lazily(const Position& target) {
  Stream& stream = *target.stream;
  while (stream.done < target.position) {
    const std::vector<Position> waits = stream.pending.front().waits;
    for (const Position& wait : waits) run_lazily(wait);
    run_front(stream);
  }
}

void run_until(const Position& target) {
  if (settings().schedule == Schedule::kLazy || settings().schedule == Schedule::kEager) {
    run_lazily(target);
    return;
  }
  const bool ahead = settings().schedule == Schedule::kAhead;
  while (!is_done(target)) {
    std::vector<Stream*> ready;
    for (const StreamPointer& stream : state().streams) {
      const bool other = stream != target.stream;
      if (is_ready(*stream) && (other || !ahead)) ready.push_back(stream.get());
    }
    if (ready.empty()) ready.push_back(target.stream.get());
    run_front(*ready[state().random() % ready.size()]);
  }
}

// Once nothing is queued, what the host has waited for conflicts with nothing that may come.
void forget_the_past() {
  std::erase_if(state().streams, [](const StreamPointer& stream) {
    if (!stream->destroyed || !stream->pending.empty()) return false;
    state().last_position[stream->number] = stream->queued;
    state().free_numbers.push_back(stream->number);
    return true;
  });
  for (const StreamPointer& stream : state().streams) {
    const Clock& host = state().host;
    const std::uint64_t known = stream->number < host.size() ? host[stream->number] : 0;
    if (known < stream->queued) return;
  }
  for (const BlockPointer& block : live_blocks()) block->history.clear();
}

void host_knows(const Clock& clock) {
  join(state().host, clock);
  forget_the_past();
}

std::vector<StreamPointer> blocking_streams(int device) {
  std::vector<StreamPointer> result;
  for (const StreamPointer& stream : state().streams) {
    if (stream->blocking && stream->device == device) result.push_back(stream);
  }
  return result;
}

void order_after(Stream& stream, std::vector<Position>& waits, const StreamPointer& other) {
  join(stream.clock, other->clock);
  if (other->queued > other->done) waits.push_back({other, other->queued});
}

bool is_legacy(const StreamPointer& stream) {
  const auto found = state().legacy.find(stream->device);
  return found != state().legacy.end() && found->second == stream;
}

// The legacy default stream and the blocking streams wait for each other.
void order_with_legacy(const StreamPointer& stream, std::vector<Position>& waits) {
  if (is_legacy(stream)) {
    for (const StreamPointer& other : blocking_streams(stream->device)) {
      if (other != stream) order_after(*stream, waits, other);
    }
  } else if (stream->blocking) {
    const auto legacy = state().legacy.find(stream->device);
    if (legacy != state().legacy.end()) order_after(*stream, waits, legacy->second);
  }
}

StreamPointer default_stream(std::map<int, StreamPointer>& streams, int device) {
  StreamPointer& stream = streams[device];
  if (stream == nullptr) stream = make_stream(device, true);
  return stream;
}

}  // namespace

StreamPointer make_stream(int device, bool blocking) {
  auto stream = std::make_shared<Stream>();
  if (state().free_numbers.empty()) {
    stream->number = state().last_position.size();
    state().last_position.push_back(0);
  } else {
    stream->number = state().free_numbers.back();
    state().free_numbers.pop_back();
  }
  stream->device = device;
  stream->blocking = blocking;
  stream->queued = stream->done = state().last_position[stream->number];
  state().streams.push_back(stream);
  return stream;
}

void destroy_stream(const StreamPointer& stream) {
  stream->destroyed = true;
  forget_the_past();
}

StreamPointer stream_of_handle(const void* handle, int current_device) {
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  if (value == 0 || value == kLegacyHandle) return default_stream(state().legacy, current_device);
  if (value == kPerThreadHandle) return default_stream(state().per_thread, current_device);
  for (const StreamPointer& stream : state().streams) {
    if (stream.get() == handle && !stream->destroyed) return stream;
  }
  return nullptr;
}

std::size_t live_streams() {
  const auto made = std::count_if(state().streams.begin(), state().streams.end(),
                                  [](const StreamPointer& stream) { return !stream->destroyed; });
  return static_cast<std::size_t>(made) - state().legacy.size() - state().per_thread.size();
}

std::size_t queued_operations() {
  std::size_t result = 0;
  for (const StreamPointer& stream : state().streams) result += stream->pending.size();
  return result;
}

bool is_queued(const Block& block) {
  for (const StreamPointer& stream : state().streams) {
    for (const Operation& operation : stream->pending) {
      for (const Operand& operand : operation.operands) {
        if (operand.block.get() == &block) return true;
      }
    }
  }
  return false;
}

void enqueue(const StreamPointer& stream, Operation operation) {
  order_with_legacy(stream, operation.waits);
  join(stream->clock, state().host);
  operation.moment = {.stream = stream->number,
                      .position = ++stream->queued,
                      .before = std::make_shared<Clock>(stream->clock),
                      .operation = operation.name};
  stream->clock.resize(std::max(stream->clock.size(), stream->number + 1), 0);
  stream->clock[stream->number] = stream->queued;
  for (const Operand& operand : operation.operands) {
    operand.block->history.add({.moment = operation.moment,
                                .region = operand.region,
                                .argument = operand.argument,
                                .writes = operand.writes},
                               operand.block->name());
  }
  stream->pending.push_back(std::move(operation));
  if (settings().schedule == Schedule::kEager) run_until({stream, stream->queued});
}

void run_now(int device, Operation operation) {
  const StreamPointer legacy = default_stream(state().legacy, device);
  enqueue(legacy, std::move(operation));
  synchronize(legacy);
}

void record(Event& event, const StreamPointer& stream) {
  event.recorded = true;
  event.positions = {{stream, stream->queued}};
  event.clock = stream->clock;
  if (!is_legacy(stream)) return;
  for (const StreamPointer& other : blocking_streams(stream->device)) {
    event.positions.push_back({other, other->queued});
    join(event.clock, other->clock);
  }
}

void wait_for(const StreamPointer& stream, const Event& event) {
  if (!event.recorded) return;  // as documented: waiting for it is no operation
  join(stream->clock, event.clock);
  enqueue(stream,
          {.name = "cudaStreamWaitEvent", .operands = {}, .run = {}, .waits = event.positions});
}

void synchronize(const StreamPointer& stream) {
  if (is_legacy(stream)) {
    for (const StreamPointer& other : blocking_streams(stream->device)) {
      run_until({other, other->queued});
      join(stream->clock, other->clock);
    }
  }
  run_until({stream, stream->queued});
  host_knows(stream->clock);
}

void synchronize(const Event& event) {
  for (const Position& position : event.positions) run_until(position);
  host_knows(event.clock);
}

void synchronize_device(int device) {
  const std::vector<StreamPointer> streams = state().streams;
  for (const StreamPointer& stream : streams) {
    if (stream->device == device) {
      run_until({stream, stream->queued});
      join(state().host, stream->clock);
    }
  }
  forget_the_past();
}

void synchronize_all() {
  for (int device = 0; device < settings().devices; ++device) synchronize_device(device);
}

bool progress(const StreamPointer& stream) {
  if (!stream->pending.empty()) run_until({stream, stream->done + 1});
  if (!stream->pending.empty()) return false;
  host_knows(stream->clock);
  return true;
}

bool progress(const Event& event) {
  for (const Position& position : event.positions) {
    if (is_done(position)) continue;
    run_until({position.stream, position.stream->done + 1});
    break;
  }
  if (!std::all_of(event.positions.begin(), event.positions.end(), is_done)) return false;
  host_knows(event.clock);
  return true;
}

}  // namespace standin
