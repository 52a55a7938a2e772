#include "ssm/agent/session_plan.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <utility>

#include "detail/go_json.hpp"
#include "detail/parameters.hpp"
#include "ssm/protocol/command_output.hpp"
#include "ssm/protocol/version.hpp"

namespace ssm::agent {
namespace {

namespace json = boost::json;
using detail::Parameters;
using detail::StructReader;

constexpr std::string_view document_version = "1.0";

/// Session types are names of plugins, and these came with a release each (RELEASENOTES.md).
struct Plugin {
  std::string_view name;
  std::string_view since;
};
constexpr std::array<Plugin, 4> plugins{{{"Standard_Stream", "2.3.68.0"},
                                         {"InteractiveCommands", "2.3.668.0"},
                                         {"Port", "2.3.672.0"},
                                         {"NonInteractiveCommands", "3.0.1124.0"}}};
/// The property `host` of Port sessions came with this release (RELEASENOTES.md).
constexpr std::string_view host_since = "3.1.1188.0";
/// So did separate streams for the output of commands.
constexpr std::string_view separate_output_since = "3.1.1511.0";

bool has(const protocol::AgentProfile& profile, std::string_view since) {
  return protocol::compare_as_agent(profile.version, since) >= 0;
}

TaskRefusal unreadable(std::string text) {
  return {.unreadable = true, .text = std::move(text)};
}

std::optional<json::value> parse_json(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  return error ? std::nullopt : std::optional(std::move(value));
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

/// Fields of the document that matter here, before replacement.
struct Document {
  std::string schema_version;
  std::string session_type;
  const json::value* inputs = nullptr;
  const json::value* parameters = nullptr;
  json::value properties;
};

boost::system::result<Document, TaskRefusal> read_document(const json::value& content) {
  StructReader reader(content, "SessionDocumentContent");
  Document document;
  std::string description;
  reader.read("schemaVersion", document.schema_version);
  reader.read("description", description);
  reader.read("sessionType", document.session_type);
  document.inputs = &reader.object("inputs");
  document.parameters = &reader.object("parameters");
  if (const json::value* const properties = detail::find_field(content, "properties")) {
    document.properties = *properties;
  }
  if (reader.error()) {
    return unreadable(*reader.error());
  }
  return document;
}

/// Values of the caller with valid names, and defaults for the others.
boost::system::result<Parameters, TaskRefusal> collect_parameters(const json::value& definitions,
                                                                  const json::value& values) {
  Parameters parameters;
  if (const json::object* const members = values.if_object()) {
    for (const auto& member : *members) {
      if (detail::is_parameter_name(member.key())) {
        parameters[std::string(member.key())] = member.value();
      }
    }
  } else if (!values.is_null()) {
    return unreadable("json: Parameters is not an object");
  }
  if (const json::object* const members = definitions.if_object()) {
    for (const auto& member : *members) {
      const json::value* const by_default = detail::find_field(member.value(), "default");
      parameters.try_emplace(std::string(member.key()),
                             by_default != nullptr ? *by_default : json::value());
    }
  }
  return parameters;
}

/// The preferences: only what the agent knows, types checked before and after replacement, as the
/// agent's detour through its struct does.
std::optional<TaskRefusal> read_inputs(const json::value& inputs, const Parameters& parameters,
                                       SessionPlan& plan, std::string& profile_text) {
  bool streaming = false;
  StructReader(inputs, "SessionInputs").read("cloudWatchStreamingEnabled", streaming);
  const json::value replaced = detail::replace_parameters(inputs, parameters);
  if (const std::string reference = detail::find_store_reference(replaced); !reference.empty()) {
    return TaskRefusal{.unreadable = false,
                       .text = fmt::format("there is no Parameter Store to look up {}", reference)};
  }
  StructReader reader(replaced, "SessionInputs");
  std::string unused;
  bool ignored = false;
  for (const std::string_view field : {"s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName"}) {
    reader.read(field, unused);
  }
  reader.read_lenient("s3EncryptionEnabled", ignored);
  reader.read_lenient("cloudWatchEncryptionEnabled", ignored);
  reader.read("cloudWatchStreamingEnabled", streaming);
  reader.read("kmsKeyId", plan.description.kms_key_id);
  reader.read_lenient("runAsEnabled", plan.run_as_enabled);
  std::string default_user;
  reader.read("runAsDefaultUser", default_user);
  if (is_blank(plan.run_as_user)) {
    plan.run_as_user = std::move(default_user);
  }
  StructReader profile(reader.object("shellProfile"), "ShellProfileConfig");
  profile.read("windows", unused);
  profile.read("linux", profile_text);
  for (const StructReader* const each : {&reader, &profile}) {
    if (each->error()) {
      return unreadable(*each->error());
    }
  }
  return std::nullopt;
}

// --- properties ---------------------------------------------------------------------------------

boost::system::result<CommandPlan, TaskRefusal> read_command(const json::value& properties,
                                                             const std::string& session_type,
                                                             bool& separate_output) {
  CommandPlan plan;
  plan.interactive = session_type == "InteractiveCommands";
  StructReader platforms(properties, "ShellProperties");
  std::optional<std::string> problem;
  std::optional<std::string> bad_flag;
  for (const std::string_view name : {"windows", "linux", "macos"}) {
    StructReader platform(platforms.object(name), "ShellConfig");
    CommandPlan read;
    platform.read("commands", read.commands);
    platform.read("runAsElevated", read.elevated);
    platform.read("stdOutSeparatorPrefix", read.stdout_prefix);
    platform.read("stdErrSeparatorPrefix", read.stderr_prefix);
    problem = problem ? problem : platform.error();
    if (name == "linux") {
      platform.read_lenient("separateOutputStream", separate_output);
      bad_flag = platform.error();
      read.interactive = plan.interactive;
      plan = std::move(read);
    }
  }
  problem = problem ? problem : platforms.error();
  if (problem) {
    return TaskRefusal{.unreadable = false,
                       .text = fmt::format("Invalid format in session properties {};\nerror {}",
                                           detail::go_format(properties), *problem)};
  }
  //= CMD-014
  if (is_blank(plan.commands)) {
    return TaskRefusal{.unreadable = false,
                       .text = "Commands cannot be empty for session type " + session_type};
  }
  if (plan.interactive) {
    separate_output = false;
    return plan;
  }
  if (bad_flag) {
    return TaskRefusal{.unreadable = false,
                       .text = "Fail to get separateOutputStream property: " + *bad_flag};
  }
  //= CMD-008
  for (const auto& [name, prefix] : {std::pair("stdOutSeparatorPrefix", &plan.stdout_prefix),
                                     std::pair("stdErrSeparatorPrefix", &plan.stderr_prefix)}) {
    if (const auto checked = protocol::check_output_prefix(*prefix); !checked) {
      return TaskRefusal{.unreadable = false,
                         .text = fmt::format("{} is invalid: {}", name, checked.error().context)};
    }
  }
  return plan;
}

std::variant<ShellPlan, CommandPlan, PortPlan, UnusablePlan> read_port(
    const json::value& properties, const protocol::AgentProfile& profile) {
  StructReader reader(properties, "PortParameters");
  PortPlan plan;
  if (has(profile, host_since)) {
    reader.read("host", plan.host);
  }
  reader.read("portNumber", plan.port);
  reader.read("type", plan.type);
  //= PORT-016
  if (reader.error()) {
    return UnusablePlan{"Unable to remarshal session properties. " + *reader.error()};
  }
  //= PORT-018
  if (plan.port.empty()) {
    return UnusablePlan{"Port number is empty in session properties. " +
                        detail::go_format(properties)};
  }
  return plan;
}

std::optional<TaskRefusal> read_properties(json::value properties, const Parameters& parameters,
                                           const protocol::AgentProfile& profile,
                                           std::string profile_text, SessionPlan& plan) {
  properties = detail::replace_parameters(properties, parameters);
  if (const std::string reference = detail::find_store_reference(properties); !reference.empty()) {
    return TaskRefusal{.unreadable = false,
                       .text = fmt::format("there is no Parameter Store to look up {}", reference)};
  }
  //= PORT-019
  plan.description.properties = json::serialize(properties);
  const std::string& type = plan.description.session_type;
  if (type == "Standard_Stream") {
    plan.work = ShellPlan{std::move(profile_text)};
  } else if (type == "Port") {
    plan.work = read_port(properties, profile);
  } else {
    auto command = read_command(properties, type, plan.description.separate_output);
    if (!command) {
      return command.error();
    }
    if (!has(profile, separate_output_since)) {
      plan.description.separate_output = false;
    }
    plan.work = std::move(*command);
  }
  return std::nullopt;
}

}  // namespace

boost::system::result<SessionPlan, TaskRefusal> make_session_plan(
    const protocol::SessionTask& task, const protocol::AgentProfile& profile) {
  const auto content = parse_json(task.document_content);
  const auto values = parse_json(task.parameters.empty() ? "null" : task.parameters);
  if (!content || !values) {
    return unreadable("the document or the parameters are no JSON");
  }
  const auto document = read_document(*content);
  if (!document) {
    return document.error();
  }
  if (document->schema_version != document_version) {
    return unreadable(
        fmt::format("Document with schema version {} is not supported by this version of ssm "
                    "agent, please update to latest version",
                    document->schema_version));
  }
  const auto parameters = collect_parameters(*document->parameters, *values);
  if (!parameters) {
    return parameters.error();
  }
  SessionPlan plan;
  plan.session_id = task.session_id;
  plan.description.session_type = document->session_type;
  plan.run_as_user = task.run_as_user;
  std::string profile_text;
  if (auto refusal = read_inputs(*document->inputs, *parameters, plan, profile_text)) {
    return *std::move(refusal);
  }
  const std::string& type = plan.description.session_type;
  if (std::none_of(plugins.begin(), plugins.end(), [&](const Plugin& plugin) {
        return plugin.name == type && has(profile, plugin.since);
      })) {
    return TaskRefusal{
        .unreadable = false,
        .text = fmt::format("Plugin with name {} is not supported by this version of ssm agent, "
                            "please update to latest version. Step name: {}",
                            type, type)};
  }
  if (auto refusal = read_properties(document->properties, *parameters, profile,
                                     std::move(profile_text), plan)) {
    return *std::move(refusal);
  }
  return plan;
}

}  // namespace ssm::agent
