#include "detail/plan_names.hpp"

#include <fmt/format.h>
#include <google/protobuf/duration.pb.h>

#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace ssm::config::detail {
namespace {

using protocol::MessageType;
using protocol::PayloadType;

constexpr auto last_message_type = MessageType::data_channel_ready;
constexpr auto last_payload_type = PayloadType::exit_code;

}  // namespace

std::string_view message_type_name(MessageType type) {
  return type == MessageType::unknown ? "unknown" : protocol::wire_name(type);
}

std::optional<MessageType> message_type_from(std::string_view text) {
  const MessageType type = protocol::message_type_from(text);
  return type == MessageType::unknown && text != message_type_name(type) ? std::nullopt
                                                                         : std::optional(type);
}

std::string message_type_names() {
  std::string names;
  for (auto i = static_cast<unsigned>(MessageType::unknown) + 1;
       i <= static_cast<unsigned>(last_message_type); ++i) {
    names += protocol::wire_name(static_cast<MessageType>(i));
    names += ", ";
  }
  return names + std::string(message_type_name(MessageType::unknown));
}

std::string payload_type_text(PayloadType type) {
  return type <= last_payload_type ? std::string(protocol::name(type))
                                   : fmt::format("{}", static_cast<std::uint32_t>(type));
}

std::optional<PayloadType> payload_type_from(std::string_view text) {
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(last_payload_type); ++i) {
    if (protocol::name(static_cast<PayloadType>(i)) == text) {
      return static_cast<PayloadType>(i);
    }
  }
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) {
    return std::nullopt;
  }
  return static_cast<PayloadType>(number);
}

std::string payload_type_names() {
  std::string names;
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(last_payload_type); ++i) {
    names += names.empty() ? "" : ", ";
    names += protocol::name(static_cast<PayloadType>(i));
  }
  return names;
}

std::string duration_text(protocol::Duration duration) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> units{
      {{"h", 3'600'000'000'000},
       {"m", 60'000'000'000},
       {"s", 1'000'000'000},
       {"ms", 1'000'000},
       {"us", 1'000},
       {"ns", 1}}};
  if (duration == protocol::Duration::zero()) {
    return "0s";
  }
  for (const auto& [unit, nanoseconds] : units) {
    if (duration.count() % nanoseconds == 0) {
      return fmt::format("{}{}", duration.count() / nanoseconds, unit);
    }
  }
  return {};  // not reached: every duration is a whole number of nanoseconds
}

protocol::Duration duration_from(const google::protobuf::Duration& from) {
  return std::chrono::seconds(from.seconds()) + std::chrono::nanoseconds(from.nanos());
}

}  // namespace ssm::config::detail
