#include "ssm/service/ssm_api.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "detail/json_writer.hpp"
#include "detail/ssm_call.hpp"
#include "detail/text.hpp"
#include "ssm/protocol/assert.hpp"

namespace ssm::service {
namespace {

using detail::JsonWriter;
using detail::StringRule;

constexpr StringRule session_id_rule{.required = true, .min_length = 1, .max_length = 96};
constexpr StringRule target_rule{.required = true, .min_length = 1, .max_length = 400};

[[nodiscard]] bool is_document_name(std::string_view text) {
  return text.size() >= 3 && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return detail::is_alnum(c) || c == '_' || c == '-' || c == '.' || c == ':' || c == '/';
         });
}

/// `.` of the model's pattern does not match line ends.
[[nodiscard]] bool is_one_line(std::string_view text) {
  return text.find_first_of("\r\n") == std::string_view::npos;
}

constexpr StringRule document_name_rule{.pattern_text = R"(^[a-zA-Z0-9_\-.:/]{3,128}$)",
                                        .matches = is_document_name};
constexpr StringRule reason_rule{
    .min_length = 1, .max_length = 256, .pattern_text = "^.{1,256}$", .matches = is_one_line};

/// A Host header that can stand in a URL: name or address with an optional port.
[[nodiscard]] bool is_authority(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return detail::is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' ||
           c == ']';
  });
}

[[nodiscard]] AwsError no_such_session(const std::string& id) {
  return modelled_error("DoesNotExistException", "Session " + id + " does not exist.");
}

}  // namespace

struct SsmApi::Operation {
  std::string_view name;
  AwsResult<std::string> (SsmApi::*run)(Call&);
};

std::string stream_url(const ServiceOptions& options, const net::HttpRequest& request,
                       std::string_view session_id) {
  std::string url = options.stream_url_base;
  if (url.empty()) {
    const std::string_view host = detail::trim(request.header("host").value_or(""));
    url.append(options.stream_scheme).append("://");
    url.append(is_authority(host) ? host : "localhost");
  }
  url.append("/v1/data-channel/").append(session_id).append("?role=publish_subscribe");
  return url;
}

net::HttpResponse SsmApi::handle(const net::HttpRequest& request, std::int64_t now_ms) {
  const std::string request_id = random_uuid(state_.random);
  auto result = dispatch(request, now_ms);
  return result ? render_json(std::move(*result), request_id)
                : render_json_error(result.error(), request_id);
}

AwsResult<std::string> SsmApi::dispatch(const net::HttpRequest& request, std::int64_t now_ms) {
  static constexpr std::array operations = {
      Operation{"StartSession", &SsmApi::start_session},
      Operation{"ResumeSession", &SsmApi::resume_session},
      Operation{"TerminateSession", &SsmApi::terminate_session},
      Operation{"DescribeSessions", &SsmApi::describe_sessions},
      Operation{"GetConnectionStatus", &SsmApi::connection_status},
      Operation{"DescribeInstanceInformation", &SsmApi::describe_instance_information},
  };
  if (request.body.size() > max_body_bytes) {
    return AwsError{"RequestEntityTooLargeException",
                    "The request body has " + std::to_string(request.body.size()) +
                        " bytes; this service takes at most " + std::to_string(max_body_bytes) +
                        ".",
                    413, MessageMember::lower_case};
  }
  const auto caller =
      verify_request(request, state_.credentials,
                     {.now_ms = now_ms, .region = state_.options.region, .service = "ssm"});
  if (!caller) {
    return to_aws_error(caller.error());
  }
  //= SVC-001
  const std::string_view target = detail::trim(request.header("x-amz-target").value_or(""));
  const std::string_view name =
      target.starts_with(target_prefix) ? target.substr(target_prefix.size()) : std::string_view();
  const auto operation = std::find_if(operations.begin(), operations.end(),
                                      [name](const Operation& o) { return o.name == name; });
  //= SVC-003
  if (operation == operations.end()) {
    std::string message = "ssmsim does not implement '" + detail::excerpt(target, 128) +
                          "'. It implements, with the prefix " + std::string(target_prefix) + ":";
    for (const Operation& known : operations) {
      message.append(" ").append(known.name);
    }
    return AwsError{"UnknownOperationException", message + ".", 400, MessageMember::lower_case};
  }
  //= SVC-004
  const auto input = detail::parse_object(request.body);
  if (!input) {
    return input.error();
  }
  Call call{request, *caller, *input, now_ms};
  return (this->*operation->run)(call);
}

AwsResult<std::string> SsmApi::start_session(Call& call) {
  auto reader = call.reader();
  NewSession session;
  session.target = reader.string("Target", target_rule).value_or("");
  const auto document_name = reader.string("DocumentName", document_name_rule);
  session.reason = reader.string("Reason", reason_rule).value_or("");
  for (auto& [name, values] : reader.string_lists("Parameters", 255, 65535)) {
    session.parameters[std::move(name)] = std::move(values);
  }
  if (auto error = call.violations.error()) {
    return std::move(*error);
  }
  //= SVC-010
  const auto document = state_.documents.find_for_session(
      document_name ? std::string_view(*document_name) : default_document_name);
  if (!document) {
    return document.error();
  }
  if (const auto parameters = check_parameters(**document, session.parameters); !parameters) {
    return parameters.error();
  }
  //= SVC-011
  if (!state_.instances.is_online(session.target)) {
    return modelled_error("TargetNotConnected", session.target + " is not connected.");
  }
  session.document_name = (*document)->name;
  session.owner = call.caller.principal;
  const Session* started = state_.sessions.create(std::move(session), call.now_ms);
  if (started == nullptr) {
    return AwsError{"ThrottlingException",
                    "Rate exceeded: this service runs at most " +
                        std::to_string(state_.options.session_limits.max_active) +
                        " sessions at a time.",
                    400, MessageMember::lower_case};
  }
  const std::string id = started->id;
  const auto token = state_.sessions.issue_client_token(id, call.now_ms);
  SSM_ASSERT(token.has_value());
  events_.session_started(*started, call.now_ms);
  //= SVC-015
  JsonWriter json;
  json.begin_object();
  json.key("SessionId").string(id);
  json.key("TokenValue").string(token->reveal());
  json.key("StreamUrl").string(stream_url(state_.options, call.request, id));
  json.end_object();
  return json.take();
}

AwsResult<std::string> SsmApi::resume_session(Call& call) {
  const std::string id = call.reader().string("SessionId", session_id_rule).value_or("");
  if (auto error = call.violations.error()) {
    return std::move(*error);
  }
  const Session* session = state_.sessions.find(id);
  //= SVC-022
  if (session == nullptr) {
    return no_such_session(id);
  }
  const auto token = state_.sessions.issue_client_token(id, call.now_ms);
  if (token) {
    events_.session_resumed(*session, call.now_ms);
  }
  JsonWriter json;
  json.begin_object();
  json.key("SessionId").string(id);
  //= SVC-020
  //= SVC-021
  if (token) {
    json.key("TokenValue").string(token->reveal());
  }
  json.key("StreamUrl").string(stream_url(state_.options, call.request, id));
  json.end_object();
  return json.take();
}

AwsResult<std::string> SsmApi::terminate_session(Call& call) {
  const std::string id = call.reader().string("SessionId", session_id_rule).value_or("");
  if (auto error = call.violations.error()) {
    return std::move(*error);
  }
  if (state_.sessions.find(id) == nullptr) {
    return no_such_session(id);
  }
  //= SVC-032
  const bool ended_now =
      state_.sessions.end(id, SessionStatus::terminated,
                          "Terminated by " + call.caller.principal.arn + ".", call.now_ms);
  // A service that keeps no history has forgotten the session by now.
  const Session* session = state_.sessions.find(id);
  if (ended_now && session != nullptr) {
    events_.session_terminated(*session, call.now_ms);
  }
  JsonWriter json;
  json.begin_object().key("SessionId").string(id).end_object();
  return json.take();
}

//= SVC-042
AwsResult<std::string> SsmApi::connection_status(Call& call) {
  const std::string target = call.reader().string("Target", target_rule).value_or("");
  if (auto error = call.violations.error()) {
    return std::move(*error);
  }
  JsonWriter json;
  json.begin_object();
  json.key("Target").string(target);
  json.key("Status").string(state_.instances.is_online(target) ? "connected" : "notconnected");
  json.end_object();
  return json.take();
}

}  // namespace ssm::service
