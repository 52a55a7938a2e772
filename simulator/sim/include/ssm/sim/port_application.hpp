#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/protocol/port_agent.hpp"
#include "ssm/protocol/port_client.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/sim/application.hpp"
#include "ssm/sim/connection_script.hpp"
#include "ssm/sim/invariants.hpp"
#include "ssm/sim/stream.hpp"

namespace ssm::sim {

/// The client of a port session and the applications that connect to it. Ends the session when all
/// of them are served.
class PortClientApplication final : public Application {
 public:
  PortClientApplication(const ConnectionScripts& scripts, protocol::PortClientRules rules,
                        const protocol::ClientProfile& profile, Verdicts& verdicts);

  void started(const SessionFacts& facts, Instant now) override;
  bool received(protocol::PayloadType type, protocol::Bytes data, Instant now) override;
  bool can_receive() const override;
  std::optional<Chunk> next(std::size_t max_bytes, Instant now) override;
  std::optional<Instant> next_wake() const override;
  void wake(Instant now) override;
  void all_acknowledged(Instant now) override;
  std::optional<Finished> finished() const override;
  std::string progress() const override;
  std::uint64_t received_bytes() const override { return received_bytes_; }
  std::uint64_t expected_bytes() const override;
  bool complete() const override;
  std::map<std::string, double> measures(Instant now) const override;

 private:
  struct Local {
    Local(const ConnectionScript& script, std::uint32_t id, Instant now);

    const ConnectionScript* script;
    std::uint64_t sent = 0;  ///< of the header and the request
    bool eof_sent = false;
    StreamCheck check;
    Instant opened_at;
    Instant reads_at;
    bool closed = false;
  };

  void open_due(Instant now);
  void drive(Instant now);
  void write(std::uint32_t id, Local& local, Instant now);
  void read(std::uint32_t id, Local& local, Instant now);
  void handle(const protocol::PortEvent& event, Instant now);
  void close(std::uint32_t id, protocol::PortCloseReason reason, Instant now);
  [[nodiscard]] bool all_closed() const;

  const ConnectionScripts& scripts_;
  protocol::PortClientRules rules_;
  std::size_t chunk_bytes_;
  bool multiplexes_;
  Verdicts& verdicts_;
  std::optional<protocol::PortClient> port_;
  Instant started_at_{};
  std::size_t next_script_ = 0;
  std::map<std::uint32_t, Local> locals_;
  std::uint64_t served_ = 0;
  std::uint64_t unserved_ = 0;      ///< closed before they had everything
  std::string_view last_unserved_;  ///< why
  std::size_t most_open_ = 0;
  Duration slowest_{0};  ///< of those closed that read at once
  std::uint64_t received_bytes_ = 0;
  bool terminated_ = false;
};

/// The agent of a port session and the servers that it connects to.
class PortAgentApplication final : public Application {
 public:
  PortAgentApplication(const ConnectionScripts& scripts, protocol::PortAgentRules rules,
                       const protocol::AgentProfile& profile, Verdicts& verdicts);

  void started(const SessionFacts& facts, Instant now) override;
  bool received(protocol::PayloadType type, protocol::Bytes data, Instant now) override;
  bool can_receive() const override;
  std::optional<Chunk> next(std::size_t max_bytes, Instant now) override;
  std::optional<Instant> next_wake() const override;
  void wake(Instant now) override;
  std::optional<Finished> finished() const override;
  std::string progress() const override;
  std::uint64_t received_bytes() const override { return received_bytes_; }
  std::uint64_t expected_bytes() const override;
  bool complete() const override { return true; }

 private:
  struct Remote {
    std::string header;
    const ConnectionScript* script = nullptr;
    std::uint32_t number = 0;  ///< of the script, from the header
    std::optional<StreamCheck> check;
    std::uint64_t sent = 0;
    Instant dialed_at{};
    bool saw_end = false;
    bool eof_sent = false;
  };

  void drive(Instant now);
  void read(std::uint32_t id, Remote& remote, Instant now);
  /// How much the destination reads until then, in all; and when it will have read so much.
  [[nodiscard]] static std::uint64_t may_read(const Remote& remote, Instant now);
  [[nodiscard]] static Instant reads_again_at(const Remote& remote);
  void write(std::uint32_t id, Remote& remote, Instant now);
  void take(Remote& remote, protocol::Bytes data);
  void handle(const protocol::PortEvent& event, Instant now);

  const ConnectionScripts& scripts_;
  protocol::PortAgentRules rules_;
  std::size_t chunk_bytes_;
  bool multiplexes_;
  Verdicts& verdicts_;
  std::optional<protocol::PortAgent> port_;
  std::size_t dials_ = 0;
  std::map<std::uint32_t, Remote> remotes_;
  std::uint64_t received_bytes_ = 0;  ///< of requests
  std::optional<Finished> finished_;
};

}  // namespace ssm::sim
