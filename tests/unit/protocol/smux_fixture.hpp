#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ssm/protocol/smux_session.hpp"

/// What tests of the multiplexer share: bytes as hexadecimal text, events as lines.

namespace ssm::test {

inline std::string to_hex(protocol::Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += digits[std::to_integer<std::size_t>(byte >> 4)];
    text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

/// Spaces may stand anywhere.
inline std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : text) {
    if (c != ' ') {
      digits += c;
    }
    if (digits.size() == 2) {
      bytes.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
      digits.clear();
    }
  }
  return bytes;
}

inline std::string describe(const protocol::SmuxEvent& event) {
  using namespace protocol;
  return std::visit(
      [](const auto& e) -> std::string {
        using Event = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<Event, SmuxStreamWaiting>) {
          return "waiting";
        } else if constexpr (std::is_same_v<Event, SmuxReadable>) {
          return "readable " + std::to_string(e.stream_id);
        } else if constexpr (std::is_same_v<Event, SmuxWritable>) {
          return "writable " + std::to_string(e.stream_id);
        } else if constexpr (std::is_same_v<Event, SmuxStreamReset>) {
          return "reset " + std::to_string(e.stream_id);
        } else if constexpr (std::is_same_v<Event, SmuxReceivePossible>) {
          return "receive possible";
        } else {
          return "ended: " + e.text;
        }
      },
      event);
}

/// A session at a time of its own, driven by one-line calls.
class SmuxScript {
 public:
  explicit SmuxScript(protocol::SmuxSide side, const protocol::SmuxRules& rules = {})
      : session(side, rules, protocol::Instant{}) {}

  /// Opens a stream and drops what that says to the peer.
  std::uint32_t opened() {
    const std::uint32_t id = *session.open();
    (void)output();
    return id;
  }
  /// Bytes taken.
  std::size_t receive(std::string_view hex) { return session.receive(from_hex(hex), now); }
  /// A PSH with `count` bytes; bytes taken.
  std::size_t receive_push(std::uint32_t stream_id, std::size_t count, char fill = 'x') {
    const auto header = encode(protocol::SmuxHeader{.version = session.rules().version,
                                                    .command = protocol::SmuxCommand::psh,
                                                    .length = static_cast<std::uint16_t>(count),
                                                    .stream_id = stream_id});
    std::vector<std::byte> bytes(header.begin(), header.end());
    bytes.resize(bytes.size() + count, static_cast<std::byte>(fill));
    return session.receive(bytes, now);
  }
  std::size_t write(std::uint32_t stream_id, std::string_view text) {
    return session.write(stream_id, protocol::as_bytes(text));
  }
  /// Reads everything there is.
  std::string read(std::uint32_t stream_id, std::size_t limit = SIZE_MAX) {
    std::string text;
    while (text.size() < limit && !session.readable(stream_id).empty()) {
      const auto part =
          protocol::as_text(session.readable(stream_id)).substr(0, limit - text.size());
      text += part;
      session.consume(stream_id, part.size(), now);
    }
    return text;
  }
  std::vector<std::byte> output_bytes(std::size_t limit = SIZE_MAX, std::size_t chunk = 1024) {
    std::vector<std::byte> all;
    std::vector<std::byte> part(chunk);
    while (all.size() < limit) {
      const std::size_t count = session.poll_output(
          protocol::MutableBytes(part).first(std::min(chunk, limit - all.size())));
      if (count == 0) {
        break;
      }
      all.insert(all.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return all;
  }
  std::string output(std::size_t limit = SIZE_MAX, std::size_t chunk = 1024) {
    return to_hex(output_bytes(limit, chunk));
  }
  std::vector<std::string> events() {
    std::vector<std::string> lines;
    while (const auto event = session.poll_event()) {
      lines.push_back(describe(*event));
    }
    return lines;
  }
  void advance(protocol::Duration by) {
    now += by;
    session.on_timer(now);
  }

  protocol::Instant now{};
  protocol::SmuxSession session;
};

/// The rules of that name.
inline protocol::SmuxRules smux_rules_named(std::string_view name) {
  return *protocol::find_smux_rules(name);
}

}  // namespace ssm::test
