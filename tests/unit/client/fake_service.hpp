#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/net/http_server.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::test {

/// The service and the agent behind it, as far as one client can see them: the SSM API and one data
/// channel, on a loopback port. It acknowledges stream messages unless told not to.
class FakeService {
 public:
  struct Call {
    std::string operation;
    net::HttpRequest request;
  };
  struct Message {
    std::int64_t sequence = 0;
    protocol::PayloadType type = protocol::PayloadType::none;
    std::string payload;
  };

  explicit FakeService(net::EventLoop& loop)
      : server_(*net::HttpServer::listen(
            loop, {},
            {.on_request = [this](net::HttpRequest request,
                                  const auto& respond) { on_request(std::move(request), respond); },
             .on_upgrade = [this](
                               net::HttpRequest request,
                               net::Upgrade upgrade) { on_upgrade(request, std::move(upgrade)); },
             .on_warning = nullptr})) {}

  [[nodiscard]] std::string endpoint() const {
    return "http://127.0.0.1:" + std::to_string(server_.port());
  }
  [[nodiscard]] std::string stream_url(std::string_view id = "test-1") const {
    return "ws://127.0.0.1:" + std::to_string(server_.port()) + "/v1/data-channel/" +
           std::string(id) + "?role=publish_subscribe";
  }
  [[nodiscard]] std::string start_answer() const {
    return R"({"SessionId":"test-1","TokenValue":"token-1","StreamUrl":")" + stream_url() + "\"}";
  }

  // What was seen.
  std::vector<Call> calls;
  std::vector<std::string> upgrades;  ///< targets
  std::vector<std::string> texts;
  std::vector<Message> messages;  ///< stream messages, retransmissions included
  std::size_t acknowledged = 0;
  std::size_t ends = 0;

  // What it does.
  bool acknowledges = true;
  unsigned refuse_upgrades_with = 0;
  /// Called after a text message, and for each stream message once it is acknowledged.
  std::function<void()> on_text;
  std::function<void(const Message& message)> on_stream;
  std::function<net::HttpResponse(const Call&)> answer = [](const Call&) {
    return net::HttpResponse{.status = 400, .headers = {}, .body = "{}"};
  };

  [[nodiscard]] bool connected() const { return socket_.open(); }
  [[nodiscard]] bool congested() const { return socket_.congested(); }

  void send_output(std::string_view text,
                   protocol::PayloadType type = protocol::PayloadType::output) {
    const std::int64_t sequence = next_sequence_++;
    protocol::Frame frame = make_output(sequence, text, type);
    if (socket_.open()) {
      socket_.send_binary(std::move(frame));
    }
  }
  /// A message with a number of the caller's, for retransmissions.
  void send_output_as(std::int64_t sequence, std::string_view text) {
    socket_.send_binary(make_output(sequence, text, protocol::PayloadType::output));
  }
  void close_channel(std::string_view output) {
    protocol::ChannelClosed closed;
    closed.session_id = "another-id";
    closed.output = output;
    socket_.send_binary(make("channel_closed", 0, protocol::PayloadType::none, serialize(closed)));
  }
  /// Cuts the TCP connection.
  void cut() { socket_.reset(); }
  /// Ends the connection as the service does when it recycles it.
  void close(std::uint16_t code) { socket_.close(code, ""); }

  /// Input so far, each message once, in order.
  [[nodiscard]] std::string input() const {
    std::map<std::int64_t, std::string> by_sequence;
    for (const Message& message : messages) {
      if (message.type == protocol::PayloadType::output) {
        by_sequence.emplace(message.sequence, message.payload);
      }
    }
    std::string all;
    for (const auto& [sequence, payload] : by_sequence) {
      all += payload;
    }
    return all;
  }
  /// Payload sizes of the input messages, in the order of their numbers.
  [[nodiscard]] std::vector<std::size_t> input_sizes() const {
    std::map<std::int64_t, std::size_t> sizes;
    for (const Message& message : messages) {
      if (message.type == protocol::PayloadType::output) {
        sizes.emplace(message.sequence, message.payload.size());
      }
    }
    std::vector<std::size_t> all;
    for (const auto& [sequence, size] : sizes) {
      all.push_back(size);
    }
    return all;
  }
  [[nodiscard]] std::vector<std::string> operations() const {
    std::vector<std::string> names;
    for (const Call& call : calls) {
      names.push_back(call.operation);
    }
    return names;
  }

 private:
  void on_request(net::HttpRequest request, const std::function<void(net::HttpResponse)>& respond) {
    std::string operation(request.header("X-Amz-Target").value_or(""));
    calls.push_back({operation.substr(operation.find('.') + 1), std::move(request)});
    respond(answer(calls.back()));
  }

  void on_upgrade(const net::HttpRequest& request, net::Upgrade upgrade) {
    upgrades.push_back(request.target);
    if (refuse_upgrades_with != 0) {
      upgrade.refuse({.status = refuse_upgrades_with, .headers = {}, .body = "not now"});
      return;
    }
    upgrade.accept({}, [this](net::WebSocket socket) {
      socket_ = std::move(socket);
      socket_.start({.on_message = [this](const protocol::Frame& message,
                                          bool is_text) { on_message(message, is_text); },
                     .on_end = [this](const net::WebSocketEnd&) { ++ends; },
                     .on_writable = nullptr,
                     .on_ping = nullptr,
                     .on_pong = nullptr});
    });
  }

  void on_message(const protocol::Frame& frame, bool is_text) {
    if (is_text) {
      texts.emplace_back(protocol::as_text(frame.bytes()));
      // A copy: it may replace itself.
      if (const auto called = on_text) {
        called();
      }
      return;
    }
    const auto message = protocol::parse(frame.bytes(), protocol::pedantic_message_rules);
    ASSERT_TRUE(message) << message.error().to_string();
    if (message->type == protocol::MessageType::acknowledge) {
      ++acknowledged;
      return;
    }
    messages.push_back({message->sequence_number, message->payload_type(),
                        std::string(protocol::as_text(message->payload))});
    if (acknowledges) {
      acknowledge(*message);
    }
    if (const auto called = on_stream) {
      called(Message(messages.back()));
    }
  }

  void acknowledge(const protocol::MessageView& message) {
    std::array<std::byte, protocol::acknowledge_size_max> payload;
    const std::size_t size = protocol::write_acknowledge(message.type_text, message.message_id,
                                                         message.sequence_number, payload);
    socket_.send_binary(make("acknowledge", 0, protocol::PayloadType::none,
                             protocol::as_text(protocol::Bytes(payload).first(size))));
  }

  protocol::Frame make_output(std::int64_t sequence, std::string_view text,
                              protocol::PayloadType type) {
    return make("output_stream_data", sequence, type, text);
  }

  protocol::Frame make(std::string_view type, std::int64_t sequence,
                       protocol::PayloadType payload_type, std::string_view payload) {
    return *protocol::encode({.type = type,
                              .created_date_ms = 1,
                              .sequence_number = sequence,
                              .flags = 0,
                              .message_id = protocol::Uuid::random_v4(random_),
                              .payload_type = payload_type},
                             protocol::as_bytes(payload));
  }

  protocol::Random random_{1};
  net::WebSocket socket_;
  std::int64_t next_sequence_ = 0;
  net::HttpServer server_;
};

inline net::HttpResponse json_answer(std::string body, unsigned status = 200) {
  return {.status = status,
          .headers = {{"Content-Type", "application/x-amz-json-1.1"}},
          .body = std::move(body)};
}

}  // namespace ssm::test
