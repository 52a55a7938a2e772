#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "conversation.hpp"
#include "ssm/protocol/bytes.hpp"

/// What the cases about the message format have in common: give a client a message that it must
/// take, or one that it must drop, or look at everything it sends.
///
/// None of them waits for something not to happen. The client handles messages in order, so the
/// acknowledgement of a later, ordinary message proves that an earlier one has been dealt with.

namespace ssm::conformance::wire {

/// Offsets of the header fields; drawn in ssm/protocol/message.hpp.
namespace at {
inline constexpr std::size_t header_length = 0;
inline constexpr std::size_t message_type = 4;
inline constexpr std::size_t schema_version = 36;
inline constexpr std::size_t created_date = 40;
inline constexpr std::size_t flags = 56;
inline constexpr std::size_t payload_digest = 80;
inline constexpr std::size_t payload_length = 116;
}  // namespace at

template <class Integer>
void put(OutgoingMessage& message, std::size_t offset, Integer value) {
  protocol::store_big_endian(protocol::MutableBytes(message.bytes), offset, value);
}
/// Writes `text` as MessageType, `before` and `after` filling the rest.
void put_type(OutgoingMessage& message, std::string_view text, std::size_t before, char padding);

/// What a client is given, and how it can be recognised.
struct Subject {
  OutgoingMessage message;
  /// What it shows; empty: nothing.
  std::string text;
  /// For people: what is special about it.
  std::string what;
};

/// Output with a text of its own.
[[nodiscard]] Subject output_subject(Conversation& peer, std::string what);

/// An open session is given the message and then an ordinary one: both must be acknowledged and
/// shown. `prepare` makes the subject once the session is open.
[[nodiscard]] Outcome expect_taken(Conversation& peer,
                                   const std::function<Subject(Conversation&)>& prepare);
/// The same, but the message must be neither acknowledged nor shown, and ordinary output with the
/// same sequence number that follows must be.
[[nodiscard]] Outcome expect_dropped(Conversation& peer,
                                     const std::function<Subject(Conversation&)>& prepare);

/// A look at the messages that a client sends in a short session with output and typed input.
struct Observation {
  /// `acknowledgements`; for people.
  std::string_view what;
  std::function<bool(const ReceivedMessage&)> applies;
  /// What is wrong with it, expected and seen, or nullopt.
  std::function<std::optional<std::string>(const ReceivedMessage&)> check;
};
[[nodiscard]] Outcome observe(Conversation& peer, const Observation& observation);

[[nodiscard]] inline bool any_message(const ReceivedMessage& /*message*/) {
  return true;
}

}  // namespace ssm::conformance::wire
