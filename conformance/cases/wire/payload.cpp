#include <fmt/format.h>

#include "cases.hpp"
#include "ssm/protocol/sha256.hpp"
#include "steps.hpp"

namespace ssm::conformance::wire {
namespace {

using Violation = std::optional<std::string>;

//= WIRE-009
Violation check_digest(const ReceivedMessage& message) {
  const protocol::Digest expected = protocol::sha256(message.payload);
  if (std::equal(expected.begin(), expected.end(), message.digest.begin())) {
    return std::nullopt;
  }
  return fmt::format("expected the SHA-256 of {} payload bytes in PayloadDigest, {}, seen {}",
                     message.payload.size(), hex(expected), hex(message.digest));
}

//= WIRE-013
Violation check_payload_length(const ReceivedMessage& message) {
  if (message.payload_length == message.payload.size()) {
    return std::nullopt;
  }
  return fmt::format("expected PayloadLength {}, seen {}", message.payload.size(),
                     message.payload_length);
}

//= WIRE-018
Violation check_not_empty(const ReceivedMessage& message) {
  return message.payload.empty() ? Violation("expected a payload, seen none") : std::nullopt;
}

void flip_digest_bit(OutgoingMessage& message) {
  message.bytes[at::payload_digest] ^= std::byte{1};
}

/// Either way is right, so only the end of the session is wrong.
Outcome judge_zero_length_field(Conversation& peer) {
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  Subject subject = output_subject(peer, "output with a wrong digest and PayloadLength 0");
  flip_digest_bit(subject.message);
  put(subject.message, at::payload_length, std::uint32_t{0});
  peer.send_aside(subject.message, subject.what);
  const OutgoingMessage good = peer.send_output("ordinary output\r\n");
  const OutgoingMessage fence = peer.send_output("last output\r\n");
  const Wait end = peer.wait([&] { return peer.acknowledged(fence.sequence_number); });
  if (end != Wait::met) {
    return peer.missing(subject.what, "an acknowledgement of the ordinary output after it", end);
  }
  const auto ids = peer.acknowledged_ids(good.sequence_number);
  const bool taken = std::find(ids.begin(), ids.end(), subject.message.id.to_string()) != ids.end();
  return peer.passed(taken ? "taken: the digest is not checked where PayloadLength says 0"
                           : "dropped: the digest is checked whatever PayloadLength says");
}

Outcome length_field(Conversation& peer, std::uint32_t value) {
  return expect_taken(peer, [value](Conversation& open) {
    Subject subject = output_subject(
        open,
        fmt::format("output with PayloadLength {} instead of its size, digest correct", value));
    put(subject.message, at::payload_length, value);
    return subject;
  });
}

const Case cases[] = {
    {.id = "WIRE-009/digest-sent",
     .does = "looks at each message of a short session",
     .expects = "the SHA-256 of the payload in PayloadDigest",
     .run =
         [](Conversation& peer) { return observe(peer, {"messages", any_message, check_digest}); }},
    {.id = "WIRE-010/digest-bit",
     .does = "sends output with one bit of the digest flipped, then good output with its number",
     .expects = "the first is neither acknowledged nor shown, the second is both",
     .run =
         [](Conversation& peer) {
           //= WIRE-010
           return expect_dropped(peer, [](Conversation& open) {
             Subject subject = output_subject(open, "output with bit 0 of PayloadDigest flipped");
             flip_digest_bit(subject.message);
             return subject;
           });
         }},
    {.id = "WIRE-010/payload-bit",
     .does = "sends output with one bit of the payload flipped, then good output with its number",
     .expects = "the first is neither acknowledged nor shown, the second is both",
     .run =
         [](Conversation& peer) {
           //= WIRE-010
           return expect_dropped(peer, [](Conversation& open) {
             Subject subject = output_subject(open, "output with bit 0 of its last byte flipped");
             subject.message.bytes.back() ^= std::byte{1};
             return subject;
           });
         }},
    {.id = "WIRE-012/zero-length-field",
     .does = "sends output with a wrong digest and PayloadLength 0, then ordinary output",
     .expects = "the session goes on, whether the first is taken or dropped",
     .run = judge_zero_length_field},
    {.id = "WIRE-013/length-sent",
     .does = "looks at each message of a short session",
     .expects = "the size of the payload in PayloadLength",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"messages", any_message, check_payload_length});
         }},
    {.id = "WIRE-014/length-too-small",
     .does = "sends output whose PayloadLength says 3",
     .expects = "it is acknowledged and shown in full",
     //= WIRE-014
     .run = [](Conversation& peer) { return length_field(peer, 3); }},
    {.id = "WIRE-014/length-too-large",
     .does = "sends output whose PayloadLength says 65535",
     .expects = "it is acknowledged and shown in full",
     //= WIRE-014
     .run = [](Conversation& peer) { return length_field(peer, 65535); }},
    {.id = "WIRE-018/no-empty-payload",
     .does = "looks at each message of a short session",
     .expects = "a payload in all of them",
     .run =
         [](Conversation& peer) {
           return observe(peer, {"messages", any_message, check_not_empty});
         }},
};

}  // namespace

std::span<const Case> payload_cases() {
  return cases;
}

}  // namespace ssm::conformance::wire
