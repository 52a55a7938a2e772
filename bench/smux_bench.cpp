// Two multiplexer sessions, wired to each other in messages of 1024 bytes: cost of a byte, against
// copying it once.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "ssm/protocol/smux_session.hpp"

namespace ssm::protocol {
namespace {

constexpr std::size_t message_bytes = 1024;
constexpr std::size_t write_bytes = 4096;

class Wire {
 public:
  explicit Wire(const SmuxRules& rules, std::size_t streams)
      : client_(SmuxSide::client, rules, {}), server_(SmuxSide::server, rules, {}) {
    for (std::size_t i = 0; i < streams; ++i) {
      ids_.push_back(*client_.open());
      transfer(client_, server_);
      benchmark::DoNotOptimize(server_.accept());
    }
  }

  /// Each stream writes once, and everything is read at the other end.
  void round(Bytes data) {
    for (const std::uint32_t id : ids_) {
      client_.write(id, data);
    }
    transfer(client_, server_);
    while (const auto event = server_.poll_event()) {
      if (const auto* const readable = std::get_if<SmuxReadable>(&*event)) {
        read(readable->stream_id);
      }
    }
    transfer(server_, client_);
  }
  [[nodiscard]] std::size_t bytes_read() const { return bytes_read_; }

 private:
  void read(std::uint32_t id) {
    for (Bytes part = server_.readable(id); !part.empty(); part = server_.readable(id)) {
      benchmark::DoNotOptimize(part.data());
      bytes_read_ += part.size();
      server_.consume(id, part.size(), {});
    }
  }
  void transfer(SmuxSession& from, SmuxSession& to) {
    for (;;) {
      const std::size_t count = from.poll_output(message_);
      if (count == 0) {
        return;
      }
      to.receive(Bytes(message_).first(count), {});
    }
  }

  SmuxSession client_;
  SmuxSession server_;
  std::vector<std::uint32_t> ids_;
  std::vector<std::byte> message_ = std::vector<std::byte>(message_bytes);
  std::size_t bytes_read_ = 0;
};

SmuxRules rules_of(benchmark::State& state) {
  SmuxRules rules;
  rules.version = static_cast<std::uint8_t>(state.range(0));
  return rules;
}

/// Arguments: version, streams.
void carry(benchmark::State& state) {
  Wire wire(rules_of(state), static_cast<std::size_t>(state.range(1)));
  const std::vector<std::byte> data(write_bytes);
  for (auto _ : state) {
    wire.round(data);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(wire.bytes_read()));
}
BENCHMARK(carry)->ArgsProduct({{1, 2}, {1, 100, 10000}})->ArgNames({"version", "streams"});

/// The floor: the same bytes, once, in the same pieces.
void copy(benchmark::State& state) {
  const std::vector<std::byte> from(write_bytes);
  std::vector<std::byte> to(message_bytes);
  std::size_t total = 0;
  for (auto _ : state) {
    for (std::size_t at = 0; at < from.size(); at += to.size()) {
      std::memcpy(to.data(), from.data() + at, to.size());
      benchmark::DoNotOptimize(to.data());
      benchmark::ClobberMemory();
    }
    total += from.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(total));
}
BENCHMARK(copy);

/// Many small frames: what a frame costs.
void carry_small(benchmark::State& state) {
  Wire wire(rules_of(state), 100);
  const std::vector<std::byte> data(16);
  for (auto _ : state) {
    wire.round(data);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(wire.bytes_read() / data.size()));
}
BENCHMARK(carry_small)->Arg(1)->Arg(2);

}  // namespace
}  // namespace ssm::protocol
