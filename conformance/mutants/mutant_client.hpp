#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "mutation.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::conformance::mutants {

/// A small client of its own, right in everything the suite looks at but for the one mutation:
/// opens the data channel, answers the handshake, acknowledges and shows output in order, sends
/// what is typed and repeats it until it is acknowledged, ends on channel_closed.
class MutantClient {
 public:
  MutantClient(net::EventLoop& loop, Mutation mutation, std::string token);

  void opened(net::WebSocket socket);

 private:
  struct Unacknowledged {
    protocol::MessageHeader header;
    std::string payload;
    protocol::Frame frame;
    bool repeated = false;
  };

  [[nodiscard]] bool is(Mutation mutation) const { return mutation_ == mutation; }
  void receive(const protocol::Frame& frame);
  void receive_broken(protocol::Bytes bytes);
  void receive_invalid(const protocol::MessageView& message, protocol::Bytes bytes,
                       const protocol::Error& error);
  [[nodiscard]] bool is_refused(const protocol::MessageView& message, protocol::Bytes bytes) const;
  void dispatch(const protocol::MessageView& message);
  void receive_output(const protocol::MessageView& message);
  [[nodiscard]] bool handle(protocol::PayloadType type, std::string_view payload);
  void answer_handshake(std::string_view payload);
  void receive_acknowledge(protocol::Bytes payload);
  void acknowledge(const protocol::MessageView& message);
  void begin();
  void send_input(protocol::PayloadType type, std::string payload);
  void repeat_oldest();
  void show(std::string_view text);
  void end();

  net::EventLoop& loop_;
  Mutation mutation_;
  std::string token_;
  protocol::Random random_;
  net::WebSocket socket_;
  net::Timer repeat_timer_;
  std::optional<net::Descriptor> keyboard_;
  bool deaf_ = false;
  bool in_handshake_ = false;
  bool started_ = false;
  std::int64_t expected_ = 0;
  std::int64_t next_ = 0;
  std::map<std::int64_t, std::pair<protocol::PayloadType, std::string>> ahead_;
  std::map<std::int64_t, Unacknowledged> unacknowledged_;
  bool has_refused_ = false;
};

}  // namespace ssm::conformance::mutants
