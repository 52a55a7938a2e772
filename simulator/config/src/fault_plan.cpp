#include "ssm/config/fault_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "detail/node.hpp"
#include "ssm/config/document.hpp"
#include "ssm/schema/v1/plan.pb.h"

namespace ssm::config {
namespace {

using protocol::MessageType;
using protocol::PayloadType;
namespace schema = schema::v1;

constexpr auto last_message_type = MessageType::data_channel_ready;
constexpr auto last_payload_type = PayloadType::exit_code;

std::string message_type_names() {
  std::string names;
  for (auto i = static_cast<unsigned>(MessageType::unknown) + 1;
       i <= static_cast<unsigned>(last_message_type); ++i) {
    names += names.empty() ? "" : ", ";
    names += protocol::wire_name(static_cast<MessageType>(i));
  }
  return names;
}

std::optional<PayloadType> payload_type_from(std::string_view text) {
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(last_payload_type); ++i) {
    if (protocol::name(static_cast<PayloadType>(i)) == text) {
      return static_cast<PayloadType>(i);
    }
  }
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) {
    return std::nullopt;
  }
  return static_cast<PayloadType>(number);
}

std::string payload_type_names() {
  std::string names;
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(last_payload_type); ++i) {
    names += names.empty() ? "" : ", ";
    names += protocol::name(static_cast<PayloadType>(i));
  }
  return names;
}

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

fault::Side side_from(schema::FaultSide side) {
  return side == schema::FAULT_SIDE_AGENT ? fault::Side::agent : fault::Side::client;
}

/// From the schema's message, whose fields are each in range, to the engine's types, with the
/// checks that take more than one field or a table.
class Converter {
 public:
  Converter(std::string_view file, const Positions& positions)
      : file_(file), positions_(positions) {}

  [[nodiscard]] Loaded<fault::Plan> convert(const schema::FaultPlan& from) {
    fault::Plan plan;
    plan.seed = from.seed();
    for (int i = 0; i < from.rules_size(); ++i) {
      path_ = fmt::format("rules[{}]", i);
      const schema::FaultRule& rule = from.rules(i);
      plan.rules.push_back({rule_name(rule, i), match(rule.match()), action(rule.action())});
    }
    if (!problems_.list.empty()) {
      problems_.arrange();
      return std::move(problems_);
    }
    return plan;
  }

 private:
  std::string rule_name(const schema::FaultRule& rule, int index) {
    std::string name = rule.name().empty() ? fmt::format("rule {}", index + 1) : rule.name();
    if (has_control_character(name)) {
      add(".name", "a name on one line", detail::quote(name));
    } else if (!names_.insert(name).second) {
      add(".name", "a name that no other rule has", detail::quote(name));
    }
    return name;
  }

  fault::Match match(const schema::FaultMatch& from) {
    fault::Match match;
    if (from.direction() == schema::FAULT_DIRECTION_CLIENT_TO_AGENT) {
      match.direction = fault::Direction::client_to_agent;
    } else if (from.direction() == schema::FAULT_DIRECTION_AGENT_TO_CLIENT) {
      match.direction = fault::Direction::agent_to_client;
    }
    if (present(".match.message_type")) {
      match.message_type = protocol::message_type_from(from.message_type());
      if (match.message_type == MessageType::unknown) {
        add(".match.message_type", "one of " + message_type_names(),
            detail::quote(from.message_type()));
      }
    }
    if (present(".match.payload_type")) {
      match.payload_type = payload_type_from(from.payload_type());
      if (!match.payload_type) {
        add(".match.payload_type", "a number or one of " + payload_type_names(),
            detail::quote(from.payload_type()));
      }
    }
    if (present(".match.session")) {
      match.session = from.session();
    }
    if (present(".match.connection")) {
      match.connection = from.connection();
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
    return match;
  }

  fault::Action action(const schema::FaultAction& from) {
    // The schema's only action so far; load_document has made sure that one is present.
    const schema::FaultClose& close = from.close();
    fault::Close action{.side = side_from(close.side())};
    if (close.has_code()) {
      if (!is_sendable(close.code())) {
        add(".action.close.code", "a code that a close frame may carry",
            fmt::format("{}", close.code()));
      }
      action.frame = {static_cast<std::uint16_t>(close.code()), close.reason()};
    } else if (present(".action.close.reason")) {
      add(".action.close.reason", "no reason without a code, as it travels in the close frame",
          detail::quote(close.reason()));
    }
    return action;
  }

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
  std::string path_;
  std::set<std::string> names_;
  Problems problems_;
};

}  // namespace

Loaded<fault::Plan> parse_fault_plan(std::string_view text, std::string_view file) {
  schema::FaultPlan message;
  const Loaded<Positions> positions = load_document(text, file, message);
  if (!positions) {
    return positions.error();
  }
  return Converter(file, *positions).convert(message);
}

Loaded<fault::Plan> load_fault_plan(const std::string& path) {
  const Loaded<std::string> text = read_file(path);
  if (!text) {
    return text.error();
  }
  return parse_fault_plan(*text, path);
}

}  // namespace ssm::config
