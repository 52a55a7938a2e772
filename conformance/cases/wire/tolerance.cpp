#include <fmt/format.h>

#include <algorithm>

#include "cases.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "steps.hpp"

namespace ssm::conformance::wire {
namespace {

constexpr std::string_view output_type = "output_stream_data";
constexpr std::uint32_t odd_schema_version = 0xFF000001;

//= WIRE-003
Outcome padding(Conversation& peer, std::size_t before, char character, std::string what) {
  return expect_taken(peer, [&](Conversation& open) {
    Subject subject = output_subject(open, std::move(what));
    put_type(subject.message, output_type, before, character);
    return subject;
  });
}

//= WIRE-005
Outcome judge_schema_version(Conversation& peer) {
  return expect_taken(peer, [](Conversation& open) {
    Subject subject = output_subject(open, "output with SchemaVersion 0xff000001");
    put(subject.message, at::schema_version, odd_schema_version);
    return subject;
  });
}

/// HeaderLength 112: PayloadLength stands where PayloadType would, the payload 4 bytes earlier.
void remove_payload_type(OutgoingMessage& message) {
  put(message, at::header_length, protocol::header_length_without_payload_type);
  message.bytes.erase(message.bytes.begin() + 112, message.bytes.begin() + 116);
}

Outcome judge_short_channel_closed(Conversation& peer) {
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  const std::string text = "closed by conformance";
  protocol::ChannelClosed content;
  content.output = text;
  OutgoingMessage message = peer.control("channel_closed", protocol::serialize(content));
  //= WIRE-015
  remove_payload_type(message);
  put_type(message, "channel_closed", 0, '\0');
  const std::string what =
      "channel_closed with HeaderLength 112, no PayloadType and MessageType padded with NULs";
  peer.send_aside(message, what);
  const OutgoingMessage fence = peer.send_output("after the end\r\n");
  const Wait end = peer.wait(
      [&] {
        return peer.shown(text) || peer.resumed() || peer.acknowledged(fence.sequence_number);
      },
      true);
  if (peer.resumed()) {
    return peer.failed(what, "a call of ResumeSession: the connection counts as lost");
  }
  if (peer.acknowledged(fence.sequence_number)) {
    return peer.failed(what, "an acknowledgement of output after it: the session goes on");
  }
  if (end != Wait::met && end != Wait::client_ended) {
    return peer.missing(what, "the end of the client, or its text on the terminal", end);
  }
  return peer.passed(peer.shown(text) ? "the session ended and the text was shown"
                                      : "the session ended");
}

//= WIRE-017
Outcome judge_empty_output(Conversation& peer) {
  return expect_taken(peer, [](Conversation& open) {
    return Subject{
        .message = open.output({}), .text = {}, .what = "output with an empty payload, 120 bytes"};
  });
}

//= WIRE-017
Outcome judge_empty_pause(Conversation& peer) {
  return expect_dropped(peer, [](Conversation& open) {
    return Subject{.message = open.control("pause_publication", {}),
                   .text = {},
                   .what = "pause_publication with an empty payload, 120 bytes"};
  });
}

//= WIRE-022
Outcome judge_no_syn(Conversation& peer) {
  if (auto outcome = peer.connect()) {
    return *outcome;
  }
  const std::string text = "first-without-syn";
  const std::string what = "the first output, sequence number 0, with Flags 0";
  OutgoingMessage first = peer.output(text + "\r\n");
  put(first, at::flags, std::uint64_t{0});
  peer.subject_reached();
  peer.send(first, what);
  const OutgoingMessage fence = peer.send_output("last output\r\n");
  const Wait end = peer.wait([&] { return peer.acknowledged(fence.sequence_number); });
  if (end != Wait::met) {
    return peer.missing(what, "an acknowledgement of the ordinary output after it", end);
  }
  if (!peer.acknowledged(first.sequence_number)) {
    return peer.failed(what, "no acknowledgement of it, but one of the ordinary output after it");
  }
  const Wait shown = peer.wait([&] { return peer.shown(text); });
  if (shown != Wait::met) {
    return peer.missing(what, "its text on the terminal", shown);
  }
  return peer.passed("acknowledged and shown");
}

//= WIRE-022
Outcome flags(Conversation& peer, std::uint64_t value) {
  return expect_taken(peer, [value](Conversation& open) {
    Subject subject = output_subject(open, fmt::format("output with Flags {}", value));
    put(subject.message, at::flags, value);
    return subject;
  });
}

constexpr std::string_view taken = "it is acknowledged and shown like any other";

const Case cases[] = {
    {.id = "WIRE-003/trailing-nuls",
     .does = "sends output whose MessageType is followed by NULs",
     .expects = taken,
     .run =
         [](Conversation& peer) {
           return padding(peer, 0, '\0', "output with NULs after its MessageType");
         }},
    {.id = "WIRE-003/leading-nuls",
     .does = "sends output whose MessageType has NULs on both sides",
     .expects = taken,
     .run =
         [](Conversation& peer) {
           return padding(peer, 7, '\0', "output with NULs before and after its MessageType");
         }},
    {.id = "WIRE-003/leading-spaces",
     .does = "sends output whose MessageType has spaces on both sides",
     .expects = taken,
     .run =
         [](Conversation& peer) {
           return padding(peer, 7, ' ', "output with spaces before and after its MessageType");
         }},
    {.id = "WIRE-005/schema-version",
     .does = "sends output with SchemaVersion 0xff000001",
     .expects = taken,
     .run = judge_schema_version},
    {.id = "WIRE-015/channel-closed",
     .does = "sends channel_closed in the form without PayloadType",
     .expects = "the client ends, as after any other channel_closed",
     .run = judge_short_channel_closed},
    {.id = "WIRE-017/empty-output",
     .does = "sends output without a payload, then ordinary output",
     .expects = "both are acknowledged, the second is shown",
     .run = judge_empty_output},
    {.id = "WIRE-017/empty-pause",
     .does = "sends pause_publication without a payload, then ordinary output",
     .expects = "the session goes on, and no acknowledgement of the first",
     .run = judge_empty_pause},
    {.id = "WIRE-022/no-syn",
     .does = "sends the first output, sequence number 0, with Flags 0",
     .expects = taken,
     .run = judge_no_syn},
    {.id = "WIRE-022/syn-and-fin",
     .does = "sends output in the middle of the stream with Flags 3",
     .expects = taken,
     .run = [](Conversation& peer) { return flags(peer, 3); }},
    {.id = "WIRE-022/all-bits",
     .does = "sends output in the middle of the stream with all Flags set",
     .expects = taken,
     .run = [](Conversation& peer) { return flags(peer, UINT64_MAX); }},
};

}  // namespace

std::span<const Case> tolerance_cases() {
  return cases;
}

}  // namespace ssm::conformance::wire
