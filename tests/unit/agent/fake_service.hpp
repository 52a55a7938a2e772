#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/net/http_client.hpp"
#include "ssm/net/http_server.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::test {

/// The service's end of agents' data channels, with a client's answers, as far as a test asks for
/// them. Written against the codec only: it shares no state machine with what it tests.
class FakeService {
 public:
  struct Message {
    protocol::MessageType type{};
    std::int64_t sequence = 0;
    std::uint64_t flags = 0;
    protocol::PayloadType payload_type{};
    std::string payload;
    int connection = 0;
  };

  explicit FakeService(net::EventLoop& loop) : server_(listen(loop)) {}

  [[nodiscard]] net::Url endpoint() const {
    return {.scheme = "http",
            .host = "127.0.0.1",
            .port = std::to_string(server_.port()),
            .target = "/"};
  }

  void send(protocol::MessageType type, std::string_view payload, std::int64_t sequence = 0,
            protocol::PayloadType payload_type = protocol::PayloadType::none) {
    auto frame = protocol::encode({.type = protocol::wire_name(type),
                                   .created_date_ms = 1,
                                   .sequence_number = sequence,
                                   .flags = 0,
                                   .message_id = protocol::Uuid::random_v4(random_),
                                   .payload_type = payload_type},
                                  protocol::as_bytes(payload));
    socket_->send_binary(frame.value());
  }
  void send_input(std::string_view text,
                  protocol::PayloadType type = protocol::PayloadType::output) {
    send(protocol::MessageType::input_stream_data, text, next_input_++, type);
  }
  void close_channel() {
    send(protocol::MessageType::channel_closed,
         serialize(protocol::ChannelClosed{.message_id = "x",
                                           .destination_id = "x",
                                           .session_id = "another",
                                           .created_date = "x",
                                           .output = ""}));
  }
  void acknowledge_all_output() {
    acknowledge_ = true;
    for (const Message& message : messages) {
      if (message.type == protocol::MessageType::output_stream_data) {
        acknowledge(message.sequence);
      }
    }
  }
  void stop_acknowledging() { acknowledge_ = false; }
  /// A TCP reset.
  void cut() {
    socket_->reset();
    socket_.reset();
  }
  void pause_reading() { socket_->pause_reading(); }
  void resume_reading() { socket_->resume_reading(); }
  [[nodiscard]] bool connected() const { return socket_.has_value(); }

  /// Output in order of its numbers, each once, as far as there is no gap.
  [[nodiscard]] const std::string& output() const { return output_; }
  [[nodiscard]] std::vector<std::string> states() const {
    std::vector<std::string> all;
    for (const Message& message : messages) {
      if (message.type == protocol::MessageType::agent_session_state) {
        all.push_back(protocol::parse_agent_session_state(protocol::as_bytes(message.payload))
                          ->session_state);
      }
    }
    return all;
  }
  [[nodiscard]] std::size_t unacknowledged_input() const {
    return static_cast<std::size_t>(next_input_) - acknowledged_input_.size();
  }

  /// Decides the answer to CreateDataChannel; by default status 201 and a token.
  std::function<std::optional<net::HttpResponse>()> answer;

  /// Set: the client behind this service has this version, and agrees to every handshake.
  std::string client_version;

  /// Stream payloads of one type, each once.
  [[nodiscard]] std::string received(protocol::PayloadType type) const {
    std::map<std::int64_t, std::string> payloads;
    for (const Message& message : messages) {
      if (message.type == protocol::MessageType::output_stream_data &&
          message.payload_type == type) {
        payloads.emplace(message.sequence, message.payload);
      }
    }
    std::string all;
    for (const auto& [sequence, payload] : payloads) {
      all += payload;
    }
    return all;
  }

  std::vector<net::HttpRequest> requests;  ///< CreateDataChannel
  std::vector<net::HttpRequest> upgrades;
  std::vector<std::string> texts;
  std::vector<Message> messages;
  std::vector<net::WebSocketEnd> ends;
  std::size_t largest_output = 0;

 private:
  net::HttpServer listen(net::EventLoop& loop) {
    auto server = net::HttpServer::listen(
        loop, {},
        {.on_request = [this](net::HttpRequest request,
                              auto respond) { create_channel(std::move(request), respond); },
         .on_upgrade = [this](net::HttpRequest request,
                              net::Upgrade upgrade) { open(std::move(request), upgrade); }});
    return std::move(server.value());
  }

  void create_channel(net::HttpRequest request,
                      const std::function<void(net::HttpResponse)>& respond) {
    requests.push_back(std::move(request));
    if (answer) {
      if (auto refusal = answer()) {
        respond(std::move(*refusal));
        return;
      }
    }
    respond({.status = 201,
             .headers = {{"Content-Type", "text/xml"}},
             .body = "<CreateDataChannelResult><TokenValue>token&amp;" +
                     std::to_string(requests.size()) + "</TokenValue></CreateDataChannelResult>"});
  }

  void open(net::HttpRequest request, net::Upgrade& upgrade) {
    upgrades.push_back(std::move(request));
    const int connection = static_cast<int>(upgrades.size());
    upgrade.accept({}, [this, connection](net::WebSocket socket) {
      socket_ = std::move(socket);
      socket_->start({.on_message =
                          [this, connection](protocol::Frame message, bool is_text) {
                            if (is_text) {
                              texts.emplace_back(protocol::as_text(message.bytes()));
                            } else {
                              receive(message.bytes(), connection);
                            }
                          },
                      .on_end =
                          [this](const net::WebSocketEnd& end) {
                            ends.push_back(end);
                            socket_.reset();
                          },
                      .on_writable = {},
                      .on_ping = {},
                      .on_pong = {}});
    });
  }

  void receive(protocol::Bytes bytes, int connection) {
    const auto message = protocol::parse(bytes, protocol::pedantic_message_rules).value();
    messages.push_back({.type = message.type,
                        .sequence = message.sequence_number,
                        .flags = message.flags,
                        .payload_type = message.payload_type(),
                        .payload = std::string(protocol::as_text(message.payload)),
                        .connection = connection});
    if (message.type == protocol::MessageType::output_stream_data) {
      largest_output = std::max(largest_output, message.payload.size());
      pending_output_.emplace(message.sequence_number, messages.back().payload);
      while (!pending_output_.empty() && pending_output_.begin()->first <= next_output_) {
        if (pending_output_.begin()->first == next_output_) {
          output_ += pending_output_.begin()->second;
          ++next_output_;
        }
        pending_output_.erase(pending_output_.begin());
      }
      if (acknowledge_) {
        acknowledge(message.sequence_number);
      }
      if (message.payload_type() == protocol::PayloadType::handshake_request &&
          !client_version.empty()) {
        send_input(
            serialize(protocol::HandshakeResponse{
                .client_version = client_version,
                .processed_actions = {{.action_type = std::string(protocol::action_session_type),
                                       .status = protocol::action_success,
                                       .result = protocol::JsonText{},
                                       .error = {}}},
                .errors = {}}),
            protocol::PayloadType::handshake_response);
      }
    } else if (message.type == protocol::MessageType::acknowledge) {
      const auto sequence = protocol::parse_acknowledge(message.payload)->sequence_number;
      acknowledged_input_[sequence] = true;
    }
  }

  void acknowledge(std::int64_t sequence) {
    send(
        protocol::MessageType::acknowledge,
        serialize(protocol::Acknowledge{
            .message_type = "output_stream_data", .message_id = "x", .sequence_number = sequence}));
  }

  net::HttpServer server_;
  std::optional<net::WebSocket> socket_;
  protocol::Random random_{7};
  std::int64_t next_input_ = 0;
  std::int64_t next_output_ = 0;
  bool acknowledge_ = true;
  std::map<std::int64_t, std::string> pending_output_;
  std::map<std::int64_t, bool> acknowledged_input_;
  std::string output_;
};

}  // namespace ssm::test
