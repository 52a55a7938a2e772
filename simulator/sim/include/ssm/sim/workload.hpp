#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/random.hpp"
#include "ssm/sim/application.hpp"
#include "ssm/sim/connection_script.hpp"
#include "ssm/sim/invariants.hpp"
#include "ssm/sim/stream.hpp"

namespace ssm::sim {

/// What is done with a session. Amounts are scaled by `size`.
enum class WorkloadKind : std::uint8_t {
  typing,            ///< single keys at a person's pace, each echoed
  paste,             ///< much input at once, echoed
  flood,             ///< the program prints as fast as it can, and a key is pressed now and then
  upload,            ///< the client sends a file
  download,          ///< the agent sends a file
  both,              ///< files both ways at once
  idle,              ///< hours of nothing between two keys
  ports,             ///< many forwarded connections: requests and responses, some refused
  half_close,        ///< the same, and some applications end their side before the response
  slow_reader,       ///< forwarded connections, one of which does not read for a long time
  idle_ports,        ///< a forwarded connection, long nothing, and another one
  slow_destination,  ///< one forwarded connection uploads faster than the destination reads
};
inline constexpr std::size_t workload_kind_count = 12;
/// The first of them; the others stand for a certain trouble and are not drawn.
inline constexpr std::size_t drawn_workload_count = 9;
[[nodiscard]] std::string_view name(WorkloadKind kind);
[[nodiscard]] std::optional<WorkloadKind> find_workload(std::string_view name);

struct Workload {
  WorkloadKind kind = WorkloadKind::typing;
  /// Bytes for transfers, keys for typing, minutes for the idle ones, connections for other ports;
  /// 0: the kind's own amount.
  std::uint64_t size = 0;
  std::uint64_t seed = 0;
  /// The client's input ends when all of it was read, as that of a pipe does.
  bool ends_input = false;
  /// Over a session as ssh uses it: type Port, with a handshake, and no terminal.
  bool ssh = false;
  /// Not for forwarded ports and ssh: the session has a KMS key, and so a handshake, and what is
  /// sent is encrypted.
  bool encrypted = false;

  friend bool operator==(const Workload&, const Workload&) = default;
};

/// One end's part: what it sends when, and how much it waits for.
struct Part {
  struct Burst {
    Duration after{0};  ///< since the session started at this end
    std::uint64_t bytes = 0;
  };
  std::vector<Burst> bursts;
  std::uint64_t expects = 0;
  /// Sends back what it receives, besides its bursts.
  bool echoes = false;
  /// Its input ends after that.
  bool ends = false;
};
struct Parts {
  Part client;
  Part agent;
};
/// Of a workload over one stream each way.
[[nodiscard]] Parts plan_workload(const Workload& workload);

/// Whether the workload is a port session.
[[nodiscard]] bool forwards_ports(WorkloadKind kind);
/// Of such a workload.
[[nodiscard]] ConnectionScripts plan_connections(const Workload& workload);

/// Plays a part over a session with one stream each way (shell, command, standard-stream port).
class StreamApplication final : public Application {
 public:
  /// `sends` and `receives` are the texts of the two directions.
  StreamApplication(Part part, std::string who, std::uint64_t sends, std::uint64_t receives,
                    Verdicts& verdicts);

  void started(const SessionFacts& facts, Instant now) override;
  bool received(protocol::PayloadType type, protocol::Bytes data, Instant now) override;
  std::optional<Chunk> next(std::size_t max_bytes, Instant now) override;
  std::optional<Instant> next_wake() const override;
  std::optional<Finished> finished() const override;
  std::string progress() const override;
  bool complete() const override { return check_.bytes() >= part_.expects; }
  bool at_end_of_input() const override;

  [[nodiscard]] std::uint64_t sent_bytes() const { return sent_; }
  std::uint64_t received_bytes() const override { return check_.bytes(); }
  std::uint64_t expected_bytes() const override { return part_.expects; }
  [[nodiscard]] const Part& part() const { return part_; }

 private:
  /// Of what may be sent now.
  [[nodiscard]] std::uint64_t allowed(Instant now);

  Part part_;
  std::string who_;
  StreamText text_;
  StreamCheck check_;
  Verdicts& verdicts_;
  std::optional<Instant> started_;
  std::size_t burst_ = 0;      ///< the next one that is not allowed yet
  std::uint64_t allowed_ = 0;  ///< by the bursts so far
  std::uint64_t sent_ = 0;
};

}  // namespace ssm::sim
