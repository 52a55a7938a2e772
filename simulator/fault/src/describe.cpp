#include "ssm/fault/describe.hpp"

#include <chrono>
#include <variant>

namespace ssm::fault {
namespace {

using namespace std::chrono_literals;

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text;
}

std::string numbers(const Range& range) {
  return range.first == range.last ? std::to_string(range.first)
                                   : std::to_string(range.first) + "-" + std::to_string(range.last);
}

std::string lasting(const std::optional<Duration>& duration) {
  return duration ? " for " + describe(*duration) : " for good";
}

std::string between(const Delay& delay) {
  return delay.min == delay.max ? describe(delay.min)
                                : describe(delay.min) + " to " + describe(delay.max);
}

struct ActionText {
  std::string operator()(const Drop& /*action*/) const { return "drop"; }
  std::string operator()(const Delay& action) const { return "delay by " + between(action); }
  std::string operator()(const Duplicate& action) const {
    return "relay " + std::to_string(action.copies) + " more" +
           (action.after ? " after " + between(*action.after) : "");
  }
  std::string operator()(const Close& action) const {
    return "close the " + std::string(name(action.side)) + "'s connection " +
           (action.frame ? "with code " + std::to_string(action.frame->code)
                         : std::string("without a close frame"));
  }
  std::string operator()(const Stall& action) const {
    const std::string which = action.direction == StallDirection::both
                                  ? ""
                                  : " (" + std::string(name(action.direction)) + ")";
    return "stall the " + std::string(name(action.side)) + "'s connection" + which +
           lasting(action.duration);
  }
  std::string operator()(const Partition& action) const {
    return "cut the " + std::string(name(action.side)) + " off" + lasting(action.duration);
  }
  std::string operator()(const ApiError& action) const {
    return "answer " + std::string(name(action.operation)) + " with " +
           std::to_string(action.status) + " " + action.error +
           (action.calls ? " " + std::to_string(*action.calls) + " times" : "") +
           (action.duration || !action.calls ? lasting(action.duration) : "");
  }
  std::string operator()(const Pause& action) const {
    return "pause the " + std::string(name(action.side)) + lasting(action.duration);
  }
  std::string operator()(const Crash& action) const {
    return "kill the " + std::string(name(action.side));
  }
  std::string operator()(const Restart& action) const {
    return "kill the " + std::string(name(action.side)) + ", start a new one after " +
           describe(action.after);
  }
};

}  // namespace

std::string describe(Duration duration) {
  if (duration % 1min == 0min && duration != 0min) {
    return std::to_string(duration / 1min) + "m";
  }
  if (duration < 1s) {
    return number(std::chrono::duration<double, std::milli>(duration).count()) + "ms";
  }
  return number(std::chrono::duration<double>(duration).count()) + "s";
}

std::string describe(const Match& match) {
  if (match.at) {
    return "at " + describe(*match.at);
  }
  std::string text;
  const auto add = [&text](std::string word) { text += (text.empty() ? "" : " ") + word; };
  if (match.direction) {
    add(std::string(name(*match.direction)));
  }
  if (match.message_type) {
    add(std::string(protocol::wire_name(*match.message_type)));
  }
  if (match.payload_type) {
    add("payload " + std::to_string(static_cast<unsigned>(*match.payload_type)));
  }
  if (match.sequence) {
    add(numbers(*match.sequence));
  }
  if (match.acknowledged) {
    add("of " + numbers(*match.acknowledged));
  }
  if (match.copy) {
    add("copy " + std::to_string(*match.copy));
  }
  if (match.connection) {
    add("connection " + std::to_string(*match.connection));
  }
  if (match.nth) {
    add("number " + std::to_string(*match.nth));
  }
  if (match.every) {
    add("every " + std::to_string(*match.every));
  }
  if (match.probability) {
    add("chance " + number(*match.probability));
  }
  return text.empty() ? "every message" : text;
}

std::string describe(const Action& action) {
  return std::visit(ActionText{}, action);
}

std::string describe(const Rule& rule) {
  return describe(rule.match) + ": " + describe(rule.action);
}

}  // namespace ssm::fault
