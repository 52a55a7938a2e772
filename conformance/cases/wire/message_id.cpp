#include <fmt/format.h>

#include <map>
#include <set>

#include "cases.hpp"
#include "steps.hpp"

namespace ssm::conformance::wire {
namespace {

using protocol::Uuid;

/// Version 4, variant 10: the only random UUIDs that anybody makes.
bool is_version_4(const Uuid& id) {
  return (std::to_integer<unsigned>(id.bytes[6]) >> 4U) == 4 &&
         (std::to_integer<unsigned>(id.bytes[8]) >> 6U) == 2;
}

/// As if the field were written from the first byte to the last.
Uuid in_plain_order(const ReceivedMessage& message) {
  Uuid id;
  std::copy(message.id_field.begin(), message.id_field.end(), id.bytes.begin());
  return id;
}

Outcome judge_written_order(Conversation& peer) {
  //= WIRE-007
  return observe(
      peer,
      {"messages", any_message, [](const ReceivedMessage& message) -> std::optional<std::string> {
         if (is_version_4(message.id) || !is_version_4(in_plain_order(message))) {
           return std::nullopt;
         }
         return fmt::format(
             "expected the last 8 bytes of the MessageId first, seen the first ones first: {}",
             hex(message.id_field));
       }});
}

Outcome judge_acknowledged_id(Conversation& peer) {
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  const std::string what = "ordinary output";
  const OutgoingMessage message = peer.send_output("\r\n");
  const Wait end = peer.wait([&] { return peer.acknowledged(message.sequence_number); });
  if (end != Wait::met) {
    return peer.missing(what, "an acknowledgement of it", end);
  }
  const std::string seen = peer.acknowledged_ids(message.sequence_number).front();
  //= WIRE-007
  if (seen != message.id.to_string()) {
    return peer.failed(what, fmt::format("AcknowledgedMessageId {} for MessageId {}",
                                         printable_tail(seen, 60), message.id.to_string()));
  }
  return peer.passed("the acknowledgement names " + seen);
}

Outcome judge_fresh_ids(Conversation& peer) {
  //= WIRE-008
  std::map<Uuid, std::int64_t> seen;  // and the input message it belongs to, -1 for all others
  std::map<std::int64_t, Uuid> of_input;
  return observe(
      peer,
      {"messages", any_message, [&](const ReceivedMessage& message) -> std::optional<std::string> {
         if (!is_version_4(message.id) && !is_version_4(in_plain_order(message))) {
           return fmt::format("expected a random UUID (version 4), seen {}",
                              message.id.to_string());
         }
         const std::int64_t input = message.is_input() ? message.sequence_number : -1;
         const auto [entry, fresh] = seen.emplace(message.id, input);
         if (!fresh && (input < 0 || entry->second != input)) {
           return fmt::format("expected a fresh MessageId, seen {} for the second time",
                              message.id.to_string());
         }
         if (input >= 0 && of_input.emplace(input, message.id).first->second != message.id) {
           return fmt::format("expected the MessageId of the first copy in the second, seen {}",
                              message.id.to_string());
         }
         return std::nullopt;
       }});
}

/// The first input message of which there are two copies.
std::optional<std::pair<const ReceivedMessage*, const ReceivedMessage*>> find_copies(
    const Conversation& peer) {
  std::map<std::int64_t, const ReceivedMessage*> first;
  for (const ReceivedMessage& message : peer.received()) {
    if (!message.is_input()) {
      continue;
    }
    const auto [entry, is_first] = first.emplace(message.sequence_number, &message);
    if (!is_first) {
      return std::pair(entry->second, &message);
    }
  }
  return std::nullopt;
}

Outcome judge_retransmission(Conversation& peer) {
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  peer.hold_typed_input();
  peer.type("repeat this\r");
  const Wait end = peer.wait([&] { return find_copies(peer).has_value(); });
  const std::string what = "no acknowledgement of what was typed";
  if (end == Wait::timed_out) {
    return peer.skipped("the client did not send its input again");
  }
  if (end != Wait::met) {
    return peer.missing(what, "a second copy of it", end);
  }
  const auto [first, second] = *find_copies(peer);
  //= WIRE-008
  if (first->id != second->id) {
    return peer.failed(
        what, fmt::format("MessageId {} in the first copy of input {}, {} in the "
                          "second",
                          first->id.to_string(), first->sequence_number, second->id.to_string()));
  }
  return peer.passed("both copies have the MessageId " + first->id.to_string());
}

const Case cases[] = {
    {.id = "WIRE-007/written-order",
     .does = "looks at each message of a short session",
     .expects = "the version of the UUID where it stands if the last 8 bytes come first",
     .run = judge_written_order},
    {.id = "WIRE-007/acknowledged-id",
     .does = "sends output and waits for its acknowledgement",
     .expects = "the MessageId of the output, as text, in AcknowledgedMessageId",
     .run = judge_acknowledged_id},
    {.id = "WIRE-008/fresh-ids",
     .does = "looks at each message of a short session",
     .expects = "a random UUID that no other message has",
     .run = judge_fresh_ids},
    {.id = "WIRE-008/retransmission",
     .does = "does not acknowledge what is typed until it comes again",
     .expects = "the same MessageId in both copies",
     .run = judge_retransmission},
};

}  // namespace

std::span<const Case> message_id_cases() {
  return cases;
}

}  // namespace ssm::conformance::wire
