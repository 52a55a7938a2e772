#include "steps.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ssm::conformance::wire {
namespace {

constexpr std::string_view subject_text = "subject-of-the-case";
constexpr std::string_view good_text = "ordinary-output";
constexpr std::string_view fence_text = "last-output";
constexpr std::string_view typed_text = "typed by conformance";

std::string line(std::string_view text) {
  return std::string(text) + "\r\n";
}

/// An acknowledgement that names the bad message, or a number that was never sent.
std::optional<std::string> wrong_acknowledgement(const Conversation& peer,
                                                 const OutgoingMessage& bad,
                                                 std::int64_t first_unused) {
  for (const ReceivedMessage& message : peer.received()) {
    const auto content = message.acknowledged();
    if (!content) {
      continue;
    }
    if (content->message_id == bad.id.to_string()) {
      return "an acknowledgement of it";
    }
    if (content->sequence_number < 0 || content->sequence_number >= first_unused) {
      return fmt::format("an acknowledgement of {}, which was never sent",
                         content->sequence_number);
    }
  }
  return std::nullopt;
}

}  // namespace

void put_type(OutgoingMessage& message, std::string_view text, std::size_t before, char padding) {
  const auto field = message.bytes.begin() + at::message_type;
  std::fill_n(field, protocol::message_type_size, static_cast<std::byte>(padding));
  std::transform(text.begin(), text.end(), field + static_cast<std::ptrdiff_t>(before),
                 [](char c) { return static_cast<std::byte>(c); });
}

Subject output_subject(Conversation& peer, std::string what) {
  return {.message = peer.output(line(subject_text)),
          .text = std::string(subject_text),
          .what = std::move(what)};
}

Outcome expect_taken(Conversation& peer, const std::function<Subject(Conversation&)>& prepare) {
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  const Subject subject = prepare(peer);
  peer.send(subject.message, subject.what);
  const OutgoingMessage fence = peer.send_output(line(fence_text));
  Wait end = peer.wait([&] { return peer.acknowledged(fence.sequence_number); });
  if (end != Wait::met) {
    return peer.missing(subject.what, "an acknowledgement of the ordinary output after it", end);
  }
  if (!peer.acknowledged(subject.message.sequence_number)) {
    return peer.failed(subject.what,
                       "no acknowledgement of it, but one of the ordinary output after it");
  }
  end = peer.wait([&] { return peer.shown(fence_text); });
  if (end != Wait::met) {
    return peer.missing(subject.what, "the text of the ordinary output after it", end);
  }
  if (!subject.text.empty() && !peer.shown(subject.text)) {
    return peer.failed(subject.what,
                       "it was acknowledged, but its text is not on the terminal, where that of "
                       "the output after it is");
  }
  return peer.passed("acknowledged and shown");
}

Outcome expect_dropped(Conversation& peer, const std::function<Subject(Conversation&)>& prepare) {
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  const Subject subject = prepare(peer);
  peer.send_aside(subject.message, subject.what);
  const OutgoingMessage good = peer.send_output(line(good_text));
  const OutgoingMessage fence = peer.send_output(line(fence_text));
  Wait end = peer.wait([&] { return peer.acknowledged(fence.sequence_number); });
  if (end != Wait::met) {
    return peer.missing(subject.what, "an acknowledgement of the ordinary output after it", end);
  }
  if (auto wrong = wrong_acknowledgement(peer, subject.message, fence.sequence_number + 1)) {
    return peer.failed(subject.what, *wrong);
  }
  const std::size_t acknowledgements = peer.acknowledgements_of(good.sequence_number);
  if (acknowledgements > 1) {
    return peer.failed(subject.what,
                       "two acknowledgements of its sequence number, though only the good message "
                       "after it can be acknowledged");
  }
  if (acknowledgements == 0) {
    return peer.failed(subject.what,
                       "no acknowledgement of the good message of that sequence number after it");
  }
  end = peer.wait([&] { return peer.shown(fence_text); });
  if (end != Wait::met) {
    return peer.missing(subject.what, "the text of the ordinary output after it", end);
  }
  if (!subject.text.empty() && peer.shown(subject.text)) {
    return peer.failed(subject.what, "its text on the terminal");
  }
  if (!peer.shown(good_text)) {
    return peer.failed(subject.what,
                       "the text of the good message of that sequence number is missing on the "
                       "terminal");
  }
  return peer.passed("dropped, and the session went on");
}

Outcome observe(Conversation& peer, const Observation& observation) {
  std::size_t looked_at = 0;
  peer.check_each([&](const ReceivedMessage& message) -> std::optional<std::string> {
    if (message.truncated) {
      return message.summary();
    }
    if (!observation.applies(message)) {
      return std::nullopt;
    }
    ++looked_at;
    auto violation = observation.check(message);
    if (violation) {
      *violation = fmt::format("{}; in: {}", *violation, message.summary());
    }
    return violation;
  });
  const std::string sent = "output, and keys typed into its terminal";
  if (auto outcome = peer.open()) {
    return *outcome;
  }
  const OutgoingMessage last = peer.send_output(line(good_text));
  peer.type(std::string(typed_text) + "\r");
  const Wait end = peer.wait([&] {
    return peer.acknowledged(last.sequence_number) &&
           peer.typed_input().find(typed_text) != std::string::npos;
  });
  peer.check_each(nullptr);
  if (end == Wait::violated) {
    return peer.failed(sent, *peer.violation());
  }
  if (end != Wait::met && end != Wait::timed_out) {
    return peer.missing(sent, "acknowledgements and the typed input", end);
  }
  if (looked_at == 0) {
    return peer.skipped(fmt::format("the client sent no {}", observation.what));
  }
  return peer.passed(fmt::format("{} {} as expected{}", looked_at, observation.what,
                                 end == Wait::met ? "" : "; typed input never came"));
}

}  // namespace ssm::conformance::wire
