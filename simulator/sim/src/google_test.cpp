#include "ssm/sim/shrink.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <sstream>
#include <type_traits>
#include <variant>

#include "ssm/fault/describe.hpp"

namespace ssm::sim {
namespace {

/// C++ for the parts of a configuration that differ from their defaults.
class TestWriter {
 public:
  explicit TestWriter(const RunConfig& config) : config_(config) {}

  std::string write(const std::string& name) {
    out_ << "TEST(Simulation, " << identifier(name) << ") {\n"
         << "  using namespace std::chrono_literals;\n"
         << "  namespace fault = ssm::fault;\n"
         << "  ssm::sim::RunConfig config;\n"
         << "  config.seed = " << config_.seed << "U;\n"
         << "  config.client = *ssm::protocol::find_client_profile(\"" << config_.client.name
         << "\");\n"
         << "  config.agent = *ssm::protocol::find_agent_profile(\"" << config_.agent.name
         << "\");\n"
         << "  config.workload = {.kind = ssm::sim::WorkloadKind::"
         << sim::name(config_.workload.kind) << ", .size = " << config_.workload.size
         << "U, .seed = " << config_.workload.seed << "U"
         << (config_.workload.ends_input ? ", .ends_input = true" : "")
         << (config_.workload.ssh ? ", .ssh = true" : "")
         << (config_.workload.encrypted ? ", .encrypted = true" : "") << "};\n";
    link("client", config_.network.client);
    link("agent", config_.network.agent);
    network();
    service();
    out_ << "  config.fault_phase = " << time(config_.fault_phase) << ";\n"
         << "  config.heal_limit = " << time(config_.heal_limit) << ";\n";
    if (config_.plan.seed != 0) {
      out_ << "  config.plan.seed = " << config_.plan.seed << "U;\n";
    }
    for (const fault::Rule& one : config_.plan.rules) {
      rule(one);
    }
    out_ << "  const ssm::sim::RunResult result = ssm::sim::run(config);\n"
         << "  EXPECT_EQ(result.outcome, ssm::sim::Outcome::completed) << result.text;\n"
         << "}\n";
    return out_.str();
  }

 private:
  static std::string identifier(const std::string& name) {
    std::string text;
    for (const char c : name) {
      text += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    }
    return text;
  }

  /// For a comment.
  static std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\\'; }, '?');
    return text;
  }

  static std::string time(Duration duration) { return std::to_string(duration.count()) + "ns"; }

  static std::string optional_time(const std::optional<Duration>& duration) {
    return duration ? time(*duration) : std::string("std::nullopt");
  }

  /// The shortest text that gives the same number.
  static std::string number(double value) {
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
  }

  static std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        result += '\\';
      }
      if (static_cast<unsigned char>(c) >= ' ' && c != 0x7F) {
        result += c;
        continue;
      }
      // Three octal digits: whatever follows does not belong to them.
      result += '\\';
      for (const int shift : {6, 3, 0}) {
        result += static_cast<char>('0' + ((static_cast<unsigned char>(c) >> shift) & 7));
      }
    }
    return result + '"';
  }

  static std::string side(Side side) { return "ssm::sim::Side::" + std::string(name(side)); }

  void link(std::string_view which, const LinkRules& rules) {
    out_ << "  config.network." << which << " = {.latency = " << time(rules.latency)
         << ", .jitter = " << time(rules.jitter)
         << ", .bytes_per_second = " << rules.bytes_per_second
         << "U, .buffer_bytes = " << rules.buffer_bytes << "U};\n";
  }

  /// One member of the configuration, if it is not as usual.
  template <class Value>
  void differing(std::string_view member, const Value& value, const Value& usual) {
    if (value == usual) {
      return;
    }
    out_ << "  config." << member << " = ";
    if constexpr (std::is_same_v<Value, Duration>) {
      out_ << time(value);
    } else if constexpr (std::is_same_v<Value, bool>) {
      out_ << (value ? "true" : "false");
    } else {
      out_ << value << "U";
    }
    out_ << ";\n";
  }

  void network() {
    const NetworkRules& rules = config_.network;
    const NetworkRules usual;
    differing("network.open_round_trips", rules.open_round_trips, usual.open_round_trips);
    differing("network.connect_timeout", rules.connect_timeout, usual.connect_timeout);
    differing("network.unsent_timeout", rules.unsent_timeout, usual.unsent_timeout);
    differing("network.keep_alive_timeout", rules.keep_alive_timeout, usual.keep_alive_timeout);
  }

  void service() {
    const protocol::ServiceRules& rules = config_.service;
    const protocol::ServiceRules usual;
    differing("service.agent_join_limit", rules.agent_join_limit, usual.agent_join_limit);
    differing("service.client_join_limit", rules.client_join_limit, usual.client_join_limit);
    differing("service.client_absence_limit", rules.client_absence_limit,
              usual.client_absence_limit);
    differing("service.agent_absence_limit", rules.agent_absence_limit, usual.agent_absence_limit);
    differing("service.idle_timeout", rules.idle_timeout, usual.idle_timeout);
    differing("service.max_duration", rules.max_duration, usual.max_duration);
    differing("service.close_linger", rules.close_linger, usual.close_linger);
    differing("service.resume_grace", rules.resume_grace, usual.resume_grace);
    differing("service.recycle_after", rules.recycle_after, usual.recycle_after);
    differing("service.rate_limit", rules.rate_limit, usual.rate_limit);
    differing("service.rate_burst", rules.rate_burst, usual.rate_burst);
    if (rules.rate_action == protocol::RateAction::close) {
      out_ << "  config.service.rate_action = ssm::protocol::RateAction::close;\n";
    }
    differing("service.held_messages", rules.held_messages, usual.held_messages);
    differing("service.held_bytes", rules.held_bytes, usual.held_bytes);
    differing("service.publication_control", rules.publication_control, usual.publication_control);
  }

  void rule(const fault::Rule& one) {
    out_ << "  {\n    // " << one_line(fault::describe(one))
         << "\n    fault::Rule rule{.name = " << quoted(one.name)
         << ", .match = {}, .action = " << std::visit(*this, one.action) << "};\n";
    match(one.match);
    out_ << "    config.plan.rules.push_back(rule);\n  }\n";
  }

  void match(const fault::Match& match) {
    const auto set = [this](std::string_view field, const std::string& value) {
      out_ << "    rule.match." << field << " = " << value << ";\n";
    };
    const auto range = [](const fault::Range& one) {
      return "fault::Range{" + std::to_string(one.first) + ", " + std::to_string(one.last) + "}";
    };
    if (match.at) {
      set("at", time(*match.at));
    }
    if (match.direction) {
      set("direction", "fault::Direction::" + std::string(name(*match.direction)));
    }
    if (match.message_type) {
      set("message_type", "static_cast<ssm::protocol::MessageType>(" +
                              std::to_string(static_cast<unsigned>(*match.message_type)) + ")");
    }
    if (match.payload_type) {
      set("payload_type", "static_cast<ssm::protocol::PayloadType>(" +
                              std::to_string(static_cast<unsigned>(*match.payload_type)) + ")");
    }
    if (match.session) {
      set("session", quoted(*match.session));
    }
    if (match.connection) {
      set("connection", std::to_string(*match.connection) + "U");
    }
    if (match.sequence) {
      set("sequence", range(*match.sequence));
    }
    if (match.acknowledged) {
      set("acknowledged", range(*match.acknowledged));
    }
    if (match.copy) {
      set("copy", std::to_string(*match.copy) + "U");
    }
    if (match.nth) {
      set("nth", std::to_string(*match.nth) + "U");
    }
    if (match.every) {
      set("every", std::to_string(*match.every) + "U");
    }
    if (match.probability) {
      set("probability", number(*match.probability));
    }
  }

  const RunConfig& config_;
  std::ostringstream out_;

 public:
  std::string operator()(const fault::Drop& /*action*/) const { return "fault::Drop{}"; }
  std::string operator()(const fault::Delay& action) const {
    return "fault::Delay{" + time(action.min) + ", " + time(action.max) + "}";
  }
  std::string operator()(const fault::Duplicate& action) const {
    return "fault::Duplicate{" + std::to_string(action.copies) + "U" +
           (action.after ? ", " + (*this)(*action.after) : std::string()) + "}";
  }
  std::string operator()(const fault::Close& action) const {
    return "fault::Close{" + side(action.side) +
           (action.frame ? ", fault::Close::Frame{" + std::to_string(action.frame->code) + ", " +
                               quoted(action.frame->reason) + "}"
                         : std::string()) +
           "}";
  }
  std::string operator()(const fault::Stall& action) const {
    return "fault::Stall{" + side(action.side) +
           ", fault::StallDirection::" + std::string(name(action.direction)) + ", " +
           optional_time(action.duration) + "}";
  }
  std::string operator()(const fault::Partition& action) const {
    return "fault::Partition{" + side(action.side) + ", " + optional_time(action.duration) + "}";
  }
  std::string operator()(const fault::ApiError& action) const {
    return "fault::ApiError{.operation = static_cast<fault::Operation>(" +
           std::to_string(static_cast<unsigned>(action.operation)) +
           "), .side = " + (action.side ? side(*action.side) : std::string("std::nullopt")) +
           ", .status = " + std::to_string(action.status) + ", .error = " + quoted(action.error) +
           ", .duration = " + optional_time(action.duration) + ", .calls = " +
           (action.calls ? std::to_string(*action.calls) + "U" : std::string("std::nullopt")) + "}";
  }
  std::string operator()(const fault::Pause& action) const {
    return "fault::Pause{" + side(action.side) + ", " + optional_time(action.duration) + "}";
  }
  std::string operator()(const fault::Crash& action) const {
    return "fault::Crash{" + side(action.side) + "}";
  }
  std::string operator()(const fault::Restart& action) const {
    return "fault::Restart{" + side(action.side) + ", " + time(action.after) + "}";
  }
};

}  // namespace

std::string google_test(const RunConfig& config, const std::string& name) {
  return TestWriter(config).write(name);
}

}  // namespace ssm::sim
