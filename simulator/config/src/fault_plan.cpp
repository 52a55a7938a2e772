#include "ssm/config/fault_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <set>
#include <utility>

#include "detail/node.hpp"
#include "detail/plan_converter.hpp"
#include "detail/plan_names.hpp"
#include "ssm/config/document.hpp"
#include "ssm/schema/v1/plan.pb.h"

namespace ssm::config {
namespace {

using detail::duration_from;
using protocol::Duration;
using protocol::MessageType;
namespace schema = schema::v1;

/// Codes that RFC 6455 section 7.4 keeps for reports: no close frame carries them.
bool is_sendable(std::uint32_t code) {
  return code >= 1000 && code <= 4999 && code != 1004 && code != 1005 && code != 1006 &&
         code != 1015;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char character) {
    return static_cast<unsigned char>(character) < 0x20 || character == 0x7F;
  });
}

/// A delay is a fault of a network or a queue, and delays of several rules add up.
constexpr Duration longest_delay = std::chrono::hours(24);

bool is_stream_data(std::optional<MessageType> type) {
  return type == MessageType::input_stream_data || type == MessageType::output_stream_data;
}

/// `17`, `17-20` or `17-`.
std::optional<fault::Range> range_from(std::string_view text) {
  fault::Range range;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, range.first);
  if (error != std::errc() || range.first < 0) {
    return std::nullopt;
  }
  range.last = range.first;
  if (stop != end && *stop == '-') {
    range.last = std::numeric_limits<std::int64_t>::max();
    if (++stop != end) {
      const auto last = std::from_chars(stop, end, range.last);
      stop = last.ptr;
      error = last.ec;
    }
  }
  if (error != std::errc() || stop != end || range.last < range.first) {
    return std::nullopt;
  }
  return range;
}

bool is_error_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '_';
  });
}

/// "drop, duplicate, delay, close".
std::string actions_of(fault::Driver driver) {
  std::string names;
  fault::for_each_action([&](const fault::Action& action) {
    if (fault::executable_by(driver, action)) {
      names += (names.empty() ? "" : ", ") + std::string(fault::name(action));
    }
  });
  return names;
}

fault::Side side_from(schema::FaultSide side) {
  return side == schema::FAULT_SIDE_AGENT ? fault::Side::agent : fault::Side::client;
}

/// From the schema's message, whose fields are each in range, to the engine's types, with the
/// checks that take more than one field or a table.
class Converter {
 public:
  Converter(std::string_view file, const Positions& positions, fault::Driver driver,
            std::string prefix)
      : file_(file), positions_(positions), driver_(driver), prefix_(std::move(prefix)) {}

  [[nodiscard]] Loaded<fault::Plan> convert(const schema::FaultPlan& from);

 private:
  std::string rule_name(const schema::FaultRule& rule, int index);
  fault::Match match(const schema::FaultMatch& from);
  std::optional<fault::Range> range(const char* field, const std::string& text);
  void check_together(const fault::Match& match);

  fault::Action action(const schema::FaultAction& from);
  fault::Delay convert(const schema::FaultDelay& from, const std::string& path);
  fault::Close convert(const schema::FaultClose& from);
  fault::ApiError convert(const schema::FaultApiError& from);
  /// How long it lasts; nothing where the plan says nothing.
  std::optional<Duration> lasting(const char* action, const google::protobuf::Duration& from);
  void check_executable(const fault::Rule& rule);

  [[nodiscard]] bool present(std::string_view field) const {
    return positions_.count(path_ + std::string(field)) > 0;
  }

  void add(std::string_view field, std::string expected, std::string seen) {
    const std::string path = path_ + std::string(field);
    const auto found = positions_.find(path);
    const Position at = found != positions_.end() ? found->second : positions_.at(path_);
    problems_.list.push_back({file_, at, path, std::move(expected), std::move(seen)});
  }

  std::string file_;
  const Positions& positions_;
  fault::Driver driver_;
  std::string prefix_;
  std::string path_;
  std::set<std::string> names_;
  Problems problems_;
};

Loaded<fault::Plan> Converter::convert(const schema::FaultPlan& from) {
  fault::Plan plan;
  plan.seed = from.seed();
  for (int i = 0; i < from.rules_size(); ++i) {
    path_ = fmt::format("{}rules[{}]", prefix_, i);
    const schema::FaultRule& rule = from.rules(i);
    plan.rules.push_back({rule_name(rule, i), match(rule.match()), action(rule.action())});
    check_executable(plan.rules.back());
  }
  if (!problems_.list.empty()) {
    problems_.arrange();
    return std::move(problems_);
  }
  return plan;
}

std::string Converter::rule_name(const schema::FaultRule& rule, int index) {
  std::string name = rule.name().empty() ? fmt::format("rule {}", index + 1) : rule.name();
  if (has_control_character(name)) {
    add(".name", "a name on one line", detail::quote(name));
  } else if (!names_.insert(name).second) {
    add(".name", "a name that no other rule has", detail::quote(name));
  }
  return name;
}

// --- match

fault::Match Converter::match(const schema::FaultMatch& from) {
  fault::Match match;
  if (from.has_at()) {
    match.at = duration_from(from.at());
  }
  if (from.direction() == schema::FAULT_DIRECTION_CLIENT_TO_AGENT) {
    match.direction = fault::Direction::client_to_agent;
  } else if (from.direction() == schema::FAULT_DIRECTION_AGENT_TO_CLIENT) {
    match.direction = fault::Direction::agent_to_client;
  }
  if (present(".match.message_type")) {
    match.message_type = detail::message_type_from(from.message_type());
    if (!match.message_type) {
      add(".match.message_type", "one of " + detail::message_type_names(),
          detail::quote(from.message_type()));
    }
  }
  if (present(".match.payload_type")) {
    match.payload_type = detail::payload_type_from(from.payload_type());
    if (!match.payload_type) {
      add(".match.payload_type", "a number or one of " + detail::payload_type_names(),
          detail::quote(from.payload_type()));
    }
  }
  if (present(".match.session")) {
    match.session = from.session();
  }
  if (present(".match.connection")) {
    match.connection = from.connection();
  }
  match.sequence = range(".match.sequence", from.sequence());
  match.acknowledged = range(".match.acknowledged", from.acknowledged());
  if (present(".match.copy")) {
    match.copy = from.copy();
  }
  if (present(".match.nth")) {
    match.nth = from.nth();
  }
  if (present(".match.every")) {
    match.every = from.every();
  }
  if (from.has_probability()) {
    match.probability = from.probability();
  }
  check_together(match);
  return match;
}

std::optional<fault::Range> Converter::range(const char* field, const std::string& text) {
  if (!present(field)) {
    return std::nullopt;
  }
  const std::optional<fault::Range> range = range_from(text);
  if (!range) {
    add(field, "a number or a range such as 17, 17-20 or 17-", detail::quote(text));
  }
  return range;
}

void Converter::check_together(const fault::Match& match) {
  if (match.sequence && match.message_type && !is_stream_data(match.message_type)) {
    add(".match.sequence", "no sequence, or message_type input_stream_data or output_stream_data",
        std::string(protocol::wire_name(*match.message_type)));
  }
  if (match.acknowledged &&
      match.message_type.value_or(MessageType::acknowledge) != MessageType::acknowledge) {
    add(".match.acknowledged", "no number acknowledged, or message_type acknowledge",
        std::string(protocol::wire_name(*match.message_type)));
  }
  if (match.sequence && match.acknowledged) {
    add(".match.acknowledged", "either sequence or acknowledged", "both");
  }
  if (match.at) {
    for (const char* field : {"direction", "message_type", "payload_type", "connection", "sequence",
                              "acknowledged", "copy", "nth", "every"}) {
      if (present(".match." + std::string(field))) {
        add(".match." + std::string(field), "only session and probability beside at", field);
      }
    }
  }
}

// --- action

fault::Action Converter::action(const schema::FaultAction& from) {
  using Kind = schema::FaultAction::ActionCase;
  switch (from.action_case()) {
    case Kind::kDrop:
      return fault::Drop{};
    case Kind::kDuplicate: {
      fault::Duplicate duplicate;
      if (present(".action.duplicate.copies")) {
        duplicate.copies = from.duplicate().copies();
      }
      if (from.duplicate().has_after()) {
        duplicate.after = convert(from.duplicate().after(), ".action.duplicate.after");
      }
      return duplicate;
    }
    case Kind::kDelay:
      return convert(from.delay(), ".action.delay");
    case Kind::kClose:
      return convert(from.close());
    case Kind::kStall: {
      fault::Stall stall{.side = side_from(from.stall().side()),
                         .duration = lasting("stall", from.stall().duration())};
      if (from.stall().direction() == schema::FAULT_STALL_DIRECTION_TO_PEER) {
        stall.direction = fault::StallDirection::to_peer;
      } else if (from.stall().direction() == schema::FAULT_STALL_DIRECTION_FROM_PEER) {
        stall.direction = fault::StallDirection::from_peer;
      }
      return stall;
    }
    case Kind::kPartition:
      return fault::Partition{.side = side_from(from.partition().side()),
                              .duration = lasting("partition", from.partition().duration())};
    case Kind::kApiError:
      return convert(from.api_error());
    case Kind::kPause:
      return fault::Pause{.side = from.pause().side() == schema::FAULT_SIDE_CLIENT
                                      ? fault::Side::client
                                      : fault::Side::agent,
                          .duration = lasting("pause", from.pause().duration())};
    case Kind::kCrash:
      return fault::Crash{.side = side_from(from.crash().side())};
    case Kind::kRestart:
      return fault::Restart{.side = side_from(from.restart().side()),
                            .after = duration_from(from.restart().after())};
    case Kind::ACTION_NOT_SET:
      break;  // load_document has made sure that one is present
  }
  return {};
}

fault::Delay Converter::convert(const schema::FaultDelay& from, const std::string& path) {
  fault::Delay delay{.min = duration_from(from.min()), .max = duration_from(from.min())};
  if (from.has_max()) {
    delay.max = duration_from(from.max());
  }
  if (delay.max < delay.min) {
    add(path + ".max", "at least min, which is " + detail::duration_text(delay.min),
        detail::duration_text(delay.max));
  } else if (delay.max > longest_delay) {
    add(path + (from.has_max() ? ".max" : ".min"),
        "at most " + detail::duration_text(longest_delay), detail::duration_text(delay.max));
  }
  return delay;
}

fault::Close Converter::convert(const schema::FaultClose& from) {
  fault::Close close{.side = side_from(from.side())};
  if (from.has_code()) {
    if (!is_sendable(from.code())) {
      add(".action.close.code", "a code that a close frame may carry",
          fmt::format("{}", from.code()));
    }
    close.frame = {static_cast<std::uint16_t>(from.code()), from.reason()};
  } else if (present(".action.close.reason")) {
    add(".action.close.reason", "no reason without a code, as it travels in the close frame",
        detail::quote(from.reason()));
  }
  return close;
}

fault::ApiError Converter::convert(const schema::FaultApiError& from) {
  fault::ApiError error{.duration = lasting("api_error", from.duration())};
  const auto* operation =
      std::find(fault::operation_names.begin(), fault::operation_names.end(), from.operation());
  if (operation == fault::operation_names.end()) {
    add(".action.api_error.operation",
        fmt::format("one of {}", fmt::join(fault::operation_names, ", ")),
        detail::quote(from.operation()));
  } else {
    error.operation = static_cast<fault::Operation>(operation - fault::operation_names.begin());
  }
  if (present(".action.api_error.side")) {
    error.side = side_from(from.side());
  }
  if (present(".action.api_error.status")) {
    error.status = static_cast<std::uint16_t>(from.status());
  }
  if (present(".action.api_error.error")) {
    error.error = from.error();
    if (!is_error_name(error.error)) {
      add(".action.api_error.error", "a name such as ThrottlingException",
          detail::quote(error.error));
    }
  } else if (error.status < 500) {
    add(".action.api_error.error", "the name of the error, as the status is below 500", "none");
  }
  if (present(".action.api_error.calls")) {
    error.calls = from.calls();
  }
  return error;
}

std::optional<Duration> Converter::lasting(const char* action,
                                           const google::protobuf::Duration& from) {
  const std::string field = fmt::format(".action.{}.duration", action);
  if (!present(field)) {
    return std::nullopt;
  }
  if (duration_from(from) <= Duration::zero()) {
    add(field, "a duration longer than 0", detail::duration_text(duration_from(from)));
  }
  return duration_from(from);
}

void Converter::check_executable(const fault::Rule& rule) {
  const std::string field = ".action." + std::string(fault::name(rule.action));
  if (rule.match.at && fault::is_message_action(rule.action)) {
    add(field, "another action beside match.at, as this one needs a message", "");
  }
  if (!fault::executable_by(driver_, rule.action)) {
    add(field, "one of the actions that ssmsim serve executes (" + actions_of(driver_) + ")",
        fmt::format("{} in the rule {}; ssmsim simulate executes it", fault::name(rule.action),
                    detail::quote(rule.name)));
  }
}

}  // namespace

Loaded<fault::Plan> detail::convert_fault_plan(const schema::FaultPlan& plan, std::string_view file,
                                               const Positions& positions, fault::Driver driver,
                                               std::string prefix) {
  return Converter(file, positions, driver, std::move(prefix)).convert(plan);
}

Loaded<fault::Plan> parse_fault_plan(std::string_view text, std::string_view file,
                                     fault::Driver driver) {
  schema::FaultPlan message;
  const Loaded<Positions> positions = load_document(text, file, message);
  if (!positions) {
    return positions.error();
  }
  return detail::convert_fault_plan(message, file, *positions, driver, {});
}

Loaded<fault::Plan> load_fault_plan(const std::string& path, fault::Driver driver) {
  const Loaded<std::string> text = read_file(path);
  if (!text) {
    return text.error();
  }
  return parse_fault_plan(*text, path, driver);
}

}  // namespace ssm::config
