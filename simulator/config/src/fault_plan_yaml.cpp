#include "ssm/config/fault_plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <optional>
#include <system_error>
#include <variant>

#include "detail/plan_names.hpp"
#include "detail/yaml_text.hpp"

namespace ssm::config {
namespace {

using detail::FlowMap;
using detail::quoted;

void add_range(FlowMap& map, std::string_view name, const std::optional<fault::Range>& range) {
  if (!range) {
    return;
  }
  if (range->first == range->last) {
    map.add(name, fmt::format("{}", range->first));
  } else if (range->last == std::numeric_limits<std::int64_t>::max()) {
    map.add(name, fmt::format("{}-", range->first));
  } else {
    map.add(name, fmt::format("{}-{}", range->first, range->last));
  }
}

FlowMap match_map(const fault::Match& match) {
  FlowMap map;
  map.add_duration("at", match.at);
  if (match.direction) {
    map.add("direction", name(*match.direction));
  }
  if (match.message_type) {
    map.add("message_type", detail::message_type_name(*match.message_type));
  }
  if (match.payload_type) {
    map.add("payload_type", detail::payload_type_text(*match.payload_type));
  }
  if (match.session) {
    map.add("session", quoted(*match.session));
  }
  map.add_number("connection", match.connection);
  add_range(map, "sequence", match.sequence);
  add_range(map, "acknowledged", match.acknowledged);
  map.add_number("copy", match.copy);
  map.add_number("nth", match.nth);
  map.add_number("every", match.every);
  map.add_number("probability", match.probability);
  return map;
}

/// The fields of each action.
struct ActionMap {
  FlowMap operator()(const fault::Drop& /*drop*/) const { return {}; }
  FlowMap operator()(const fault::Duplicate& duplicate) const {
    FlowMap map;
    map.add_number("copies", std::optional(duplicate.copies));
    if (duplicate.after) {
      map.add("after", (*this)(*duplicate.after).text());
    }
    return map;
  }
  FlowMap operator()(const fault::Delay& delay) const {
    FlowMap map;
    map.add_duration("min", delay.min);
    if (delay.max != delay.min) {
      map.add_duration("max", delay.max);
    }
    return map;
  }
  FlowMap operator()(const fault::Close& close) const {
    FlowMap map = of_side(close);
    if (close.frame) {
      map.add_number("code", std::optional(close.frame->code));
      if (!close.frame->reason.empty()) {
        map.add("reason", quoted(close.frame->reason));
      }
    }
    return map;
  }
  FlowMap operator()(const fault::Stall& stall) const {
    FlowMap map = of_side(stall);
    if (stall.direction != fault::StallDirection::both) {
      map.add("direction", name(stall.direction));
    }
    map.add_duration("duration", stall.duration);
    return map;
  }
  FlowMap operator()(const fault::Partition& partition) const {
    FlowMap map = of_side(partition);
    map.add_duration("duration", partition.duration);
    return map;
  }
  FlowMap operator()(const fault::ApiError& error) const {
    FlowMap map;
    map.add("operation", name(error.operation));
    if (error.side) {
      map.add("side", name(*error.side));
    }
    map.add_number("status", std::optional(error.status));
    map.add("error", error.error);
    map.add_duration("duration", error.duration);
    map.add_number("calls", error.calls);
    return map;
  }
  FlowMap operator()(const fault::Pause& pause) const {
    FlowMap map = of_side(pause);
    map.add_duration("duration", pause.duration);
    return map;
  }
  FlowMap operator()(const fault::Crash& crash) const { return of_side(crash); }
  FlowMap operator()(const fault::Restart& restart) const {
    FlowMap map = of_side(restart);
    if (restart.after != protocol::Duration::zero()) {
      map.add_duration("after", restart.after);
    }
    return map;
  }

 private:
  template <class OneAction>
  static FlowMap of_side(const OneAction& action) {
    FlowMap map;
    map.add("side", name(action.side));
    return map;
  }
};

/// Nothing when all of it was written and is on its way to the disk.
int write_error(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  int error = file < 0 ? errno : 0;
  while (error == 0 && !text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (file >= 0 && ::close(file) != 0 && error == 0) {
    error = errno;
  }
  return error;
}

}  // namespace

std::string to_yaml(const fault::Plan& plan, std::string_view comment) {
  std::string text = detail::commented(comment);
  if (plan.seed != 0) {
    text += fmt::format("seed: {}\n", plan.seed);
  }
  text += plan.rules.empty() ? "rules: []\n" : "rules:\n";
  for (const fault::Rule& rule : plan.rules) {
    text += fmt::format("  - name: {}\n", quoted(rule.name));
    if (const FlowMap match = match_map(rule.match); !match.empty()) {
      text += fmt::format("    match: {}\n", match.text());
    }
    text += fmt::format("    action: {{{}: {}}}\n", fault::name(rule.action),
                        std::visit(ActionMap{}, rule.action).text());
  }
  return text;
}

Loaded<> save_fault_plan(const fault::Plan& plan, const std::string& path,
                         std::string_view comment) {
  const std::string unfinished = path + ".unfinished";
  int error = write_error(unfinished, to_yaml(plan, comment));
  if (error == 0 && ::rename(unfinished.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    ::unlink(unfinished.c_str());
    return Problems{{Problem{
        path, {}, {}, "a file that can be written", std::generic_category().message(error)}}};
  }
  return {};
}

}  // namespace ssm::config
