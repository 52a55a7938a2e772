#include <fmt/format.h>

#include "cases.hpp"
#include "steps.hpp"

namespace ssm::conformance::wire {
namespace {

using Violation = std::optional<std::string>;

/// 2015 and 2100 in milliseconds: seconds, microseconds and nanoseconds of our time lie outside.
constexpr std::uint64_t earliest_date_ms = 1'420'000'000'000;
constexpr std::uint64_t latest_date_ms = 4'102'000'000'000;

bool is_input(const ReceivedMessage& message) {
  return message.is_input();
}
bool is_acknowledge(const ReceivedMessage& message) {
  return message.is_acknowledge();
}

//= WIRE-001
Violation check_header_length(const ReceivedMessage& message) {
  if (message.header_length == protocol::header_length) {
    return std::nullopt;
  }
  return fmt::format("expected 00 00 00 74 in bytes 0 to 3, seen {}",
                     hex(message.frame.bytes().first(4)));
}

//= WIRE-002
Violation check_message_type(const ReceivedMessage& message) {
  if (message.type.empty() || !message.type_field.starts_with(message.type)) {
    return fmt::format("expected the MessageType from byte 4 on, seen '{}'",
                       printable_tail(message.type_field, 100));
  }
  if (message.type_field.substr(message.type.size()).find_first_not_of(' ') !=
      std::string_view::npos) {
    return fmt::format("expected spaces after the MessageType, seen '{}'",
                       printable_tail(message.type_field, 100));
  }
  return std::nullopt;
}

//= WIRE-004
Violation check_schema_version(const ReceivedMessage& message) {
  if (message.schema_version == protocol::schema_version) {
    return std::nullopt;
  }
  return fmt::format("expected SchemaVersion 1, seen {}", message.schema_version);
}

//= WIRE-006
Violation check_created_date(const ReceivedMessage& message) {
  if (message.created_date >= earliest_date_ms && message.created_date <= latest_date_ms) {
    return std::nullopt;
  }
  return fmt::format("expected CreatedDate in milliseconds since 1970, seen {}",
                     message.created_date);
}

//= WIRE-023
Violation check_input_flags(const ReceivedMessage& message) {
  if (message.flags == 0) {
    return std::nullopt;
  }
  return fmt::format("expected Flags 0, seen {}", message.flags);
}

//= WIRE-025
Violation check_acknowledge_header(const ReceivedMessage& message) {
  if (message.flags != (protocol::flag_syn | protocol::flag_fin)) {
    return fmt::format("expected Flags 3, seen {}", message.flags);
  }
  if (message.sequence_number != 0) {
    return fmt::format("expected sequence number 0, seen {}", message.sequence_number);
  }
  if (message.payload_type != 0) {
    return fmt::format("expected PayloadType 0, seen {}", message.payload_type);
  }
  return std::nullopt;
}

constexpr std::string_view looks = "looks at each message of a short session";

const Case cases[] = {
    {.id = "WIRE-001/header-length",
     .does = looks,
     .expects = "HeaderLength 116 in all of them, most significant byte first",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"messages", any_message, check_header_length});
         }},
    {.id = "WIRE-002/message-type",
     .does = looks,
     .expects = "MessageType, then spaces, in 32 bytes from byte 4 on",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"messages", any_message, check_message_type});
         }},
    {.id = "WIRE-004/schema-version",
     .does = looks,
     .expects = "SchemaVersion 1 in all of them",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"messages", any_message, check_schema_version});
         }},
    {.id = "WIRE-006/created-date",
     .does = looks,
     .expects = "CreatedDate in milliseconds since 1970 in all of them",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"messages", any_message, check_created_date});
         }},
    {.id = "WIRE-023/input-flags",
     .does = "looks at each input message of a short session",
     .expects = "Flags 0, in that of sequence number 0 too",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"input messages", is_input, check_input_flags});
         }},
    {.id = "WIRE-025/acknowledge-header",
     .does = "looks at each acknowledgement of a short session",
     .expects = "Flags 3, sequence number 0, PayloadType 0",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"acknowledgements", is_acknowledge, check_acknowledge_header});
         }},
};

}  // namespace

std::span<const Case> sent_header_cases() {
  return cases;
}

}  // namespace ssm::conformance::wire
