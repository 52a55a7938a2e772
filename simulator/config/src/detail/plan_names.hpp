#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ssm/protocol/message.hpp"
#include "ssm/protocol/time.hpp"

namespace google::protobuf {
class Duration;
}

/// How values of a fault plan are written, for the loader and the writer alike.
namespace ssm::config::detail {

/// `unknown` is the name of every type that we do not know.
[[nodiscard]] std::string_view message_type_name(protocol::MessageType type);
[[nodiscard]] std::optional<protocol::MessageType> message_type_from(std::string_view text);
[[nodiscard]] std::string message_type_names();

/// By name where there is one, else the number.
[[nodiscard]] std::string payload_type_text(protocol::PayloadType type);
[[nodiscard]] std::optional<protocol::PayloadType> payload_type_from(std::string_view text);
[[nodiscard]] std::string payload_type_names();

/// Exact, in the largest unit that makes it a whole number: `90s`, `2m`, `0s`. Not negative.
[[nodiscard]] std::string duration_text(protocol::Duration duration);
[[nodiscard]] protocol::Duration duration_from(const google::protobuf::Duration& from);

}  // namespace ssm::config::detail
