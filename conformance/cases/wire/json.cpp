#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "cases.hpp"
#include "ssm/protocol/handshake.hpp"
#include "steps.hpp"

namespace ssm::conformance::wire {
namespace {

using protocol::PayloadType;

constexpr std::string_view usual_request =
    R"({"AgentVersion":"3.3.1142.0","RequestedClientActions":[{"ActionType":"SessionType",)"
    R"("ActionParameters":{"SessionType":"Standard_Stream","Properties":null}}]})";
constexpr std::string_view lower_case_request =
    R"({"agentversion":"3.3.1142.0","requestedclientactions":[{"actiontype":"SessionType",)"
    R"("actionparameters":{"sessiontype":"Standard_Stream","properties":null}}]})";
constexpr std::string_view request_with_more =
    R"({"AgentVersion":"3.3.1142.0","Unheard":{"Of":[1,null]},"RequestedClientActions":)"
    R"([{"Unheard":true,"ActionType":"SessionType","ActionParameters":)"
    R"({"SessionType":"Standard_Stream","Properties":null,"Unheard":"of"}}]})";
constexpr std::string_view odd_complete =
    R"({"handshaketimetocomplete":1000000,"Unheard":{"Of":[1,null]},"customermessage":""})";

const ReceivedMessage* find_handshake_response(const Conversation& peer) {
  const auto& all = peer.received();
  const auto found = std::find_if(all.begin(), all.end(), [](const ReceivedMessage& message) {
    return message.is_input() &&
           message.payload_type == static_cast<std::uint32_t>(PayloadType::handshake_response);
  });
  return found == all.end() ? nullptr : &*found;
}

/// Sends the request; nullopt if the client answers that it can have the session type.
std::optional<Outcome> request_handshake(Conversation& peer, std::string_view payload,
                                         const std::string& what) {
  const OutgoingMessage request = peer.stream(PayloadType::handshake_request, payload);
  peer.send(request, what);
  const Wait end = peer.wait([&] { return find_handshake_response(peer) != nullptr; });
  if (end != Wait::met) {
    return peer.missing(what, "a HandshakeResponse", end);
  }
  const auto response = protocol::parse_handshake_response(find_handshake_response(peer)->payload);
  if (!response) {
    return peer.failed(what,
                       "a HandshakeResponse that cannot be read: " + response.error().to_string());
  }
  for (const protocol::ProcessedAction& action : response->processed_actions) {
    if (action.action_type == protocol::action_session_type &&
        action.status == protocol::action_success) {
      return std::nullopt;
    }
  }
  return peer.failed(
      what, "a HandshakeResponse without success for the action SessionType: " +
                printable_tail(protocol::as_text(find_handshake_response(peer)->payload), 300));
}

Outcome judge_request(Conversation& peer, std::string_view payload, const std::string& what) {
  if (auto outcome = peer.connect()) {
    return *outcome;
  }
  peer.subject_reached();
  //= WIRE-026
  if (auto outcome = request_handshake(peer, payload, what)) {
    return *outcome;
  }
  return peer.passed("the HandshakeResponse accepts the session type");
}

Outcome judge_complete(Conversation& peer) {
  if (auto outcome = peer.connect()) {
    return *outcome;
  }
  if (auto outcome = request_handshake(peer, usual_request, "HandshakeRequest")) {
    return *outcome;
  }
  peer.subject_reached();
  const std::string what = "HandshakeComplete with names in lower case and an unknown member";
  //= WIRE-026
  const OutgoingMessage complete = peer.stream(PayloadType::handshake_complete, odd_complete);
  peer.send(complete, what);
  const std::string text = "output-after-handshake";
  const OutgoingMessage output = peer.send_output(text + "\r\n");
  const Wait end =
      peer.wait([&] { return peer.acknowledged(output.sequence_number) && peer.shown(text); });
  if (end != Wait::met) {
    return peer.missing(what, "acknowledged and shown output after it", end);
  }
  return peer.passed("the session started");
}

/// How often typed messages came again, from the `begin`th received message on.
struct Repeats {
  int acknowledged = 0;  ///< the one of sequence number `first`
  int other = 0;         ///< any other, most of them
};
Repeats count_repeats(const Conversation& peer, std::size_t begin, std::int64_t first) {
  std::map<std::int64_t, int> repeats;
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < peer.received().size(); ++i) {
    const ReceivedMessage& message = peer.received()[i];
    if (message.is_typed() && !seen.insert(message.sequence_number).second && i >= begin) {
      ++repeats[message.sequence_number];
    }
  }
  Repeats result;
  for (const auto& [sequence_number, number] : repeats) {
    int& count = sequence_number == first ? result.acknowledged : result.other;
    count = std::max(count, number);
  }
  return result;
}

bool type_and_wait(Conversation& peer, std::string_view text) {
  peer.type(std::string(text) + "\r");
  return peer.wait([&] { return peer.typed_input().find(text) != std::string::npos; }) == Wait::met;
}

/// Copies that prove that a message is repeated for want of an acknowledgement: one more may have
/// been on its way.
constexpr int proof = 2;

/// An acknowledgement that was understood ends the repetition of its message: what was typed first
/// and acknowledged in the odd form must not be repeated while something typed later is.
Outcome judge_acknowledge(Conversation& peer) {
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  peer.hold_typed_input();
  const std::string what =
      "an acknowledgement of input with names in lower case and an unknown member";
  if (!type_and_wait(peer, "first")) {
    return peer.skipped("the client does not send what is typed");
  }
  // One key may be one message; the first is enough.
  const auto& all = peer.received();
  const ReceivedMessage first = *std::find_if(
      all.begin(), all.end(), [](const ReceivedMessage& message) { return message.is_typed(); });
  // A client may forget an acknowledgement that comes before it has stored the message (ACK-012).
  // Once it repeats the message, it has.
  const Wait repeated =
      peer.wait([&] { return count_repeats(peer, 0, first.sequence_number).acknowledged > 0; });
  if (repeated == Wait::timed_out) {
    return peer.skipped("the client does not repeat what is not acknowledged");
  }
  if (repeated != Wait::met) {
    return peer.missing("no acknowledgement of input", "a second copy of it", repeated);
  }
  //= WIRE-026
  peer.acknowledge(first, fmt::format(R"({{"acknowledgedmessagetype":"input_stream_data",)"
                                      R"("acknowledgedmessageid":"{}","Unheard":{{"Of":[1,null]}},)"
                                      R"("acknowledgedmessagesequencenumber":{},)"
                                      R"("issequentialmessage":true}})",
                                      first.id.to_string(), first.sequence_number));
  const OutgoingMessage fence = peer.send_output("\r\n");
  Wait end = peer.wait([&] { return peer.acknowledged(fence.sequence_number); });
  if (end != Wait::met) {
    return peer.missing(what, "an acknowledgement of the ordinary output after it", end);
  }
  const std::size_t begin = all.size();
  peer.type("second\r");
  Repeats repeats;
  end = peer.wait([&] {
    repeats = count_repeats(peer, begin, first.sequence_number);
    return repeats.acknowledged >= proof || repeats.other >= proof;
  });
  if (repeats.acknowledged >= proof) {
    return peer.failed(what, "the acknowledged input again and again");
  }
  if (end != Wait::met) {
    return peer.missing(what, "repetitions of the input that is not acknowledged", end);
  }
  return peer.passed("the acknowledged input was not repeated, later input was");
}

const Case cases[] = {
    {.id = "WIRE-026/request-names",
     .does = "sends a HandshakeRequest with all names in lower case",
     .expects = "a HandshakeResponse that accepts the session type",
     .run =
         [](Conversation& peer) {
           return judge_request(peer, lower_case_request,
                                "HandshakeRequest with names in lower case");
         }},
    {.id = "WIRE-026/request-members",
     .does = "sends a HandshakeRequest with unknown members on each level",
     .expects = "a HandshakeResponse that accepts the session type",
     .run =
         [](Conversation& peer) {
           return judge_request(peer, request_with_more, "HandshakeRequest with unknown members");
         }},
    {.id = "WIRE-026/handshake-complete",
     .does = "ends a handshake with names in lower case and an unknown member, then sends output",
     .expects = "the output is acknowledged and shown",
     .run = judge_complete},
    {.id = "WIRE-026/acknowledge",
     .does = "acknowledges input with names in lower case and an unknown member",
     .expects = "this input does not come again, other input that is not acknowledged does",
     .run = judge_acknowledge},
};

}  // namespace

std::span<const Case> json_cases() {
  return cases;
}

}  // namespace ssm::conformance::wire
