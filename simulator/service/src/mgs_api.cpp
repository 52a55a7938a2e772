#include "ssm/service/mgs_api.hpp"

#include <algorithm>
#include <array>

#include "detail/model_reader.hpp"
#include "detail/text.hpp"
#include "ssm/service/aws_error.hpp"

namespace ssm::service {
namespace {

constexpr std::string_view data_channel_prefix = "/v1/data-channel/";
constexpr std::string_view control_channel_prefix = "/v1/control-channel/";

/// amazon-ssm-agent gives up at once when it reads this (agent/session/datachannel/datachannel.go);
/// after anything else it tries four times more.
constexpr std::string_view terminated_text = "Session is already terminated";

[[nodiscard]] net::HttpResponse auth_refusal(const AuthError& error, std::string_view request_id) {
  if (error.errc == AuthErrc::missing_authentication_token) {
    return render_xml_bad_request("Request is not authenticated.", request_id);
  }
  AwsError shown = to_aws_error(error);
  shown.status = 403;
  return render_xml_error(shown, request_id);
}

/// The last segment of a path, if it is an id of those characters.
[[nodiscard]] std::optional<std::string> id_below(std::string_view prefix, std::string_view path,
                                                  std::string_view punctuation,
                                                  std::size_t max_size) {
  if (!path.starts_with(prefix)) {
    return std::nullopt;
  }
  std::string id = detail::percent_decode(path.substr(prefix.size()), false);
  const bool plausible =
      !id.empty() && id.size() <= max_size && id != "." && id != ".." &&
      std::all_of(id.begin(), id.end(), [punctuation](char c) {
        return detail::is_alnum(c) || punctuation.find(c) != std::string_view::npos;
      });
  return plausible ? std::optional(std::move(id)) : std::nullopt;
}

/// Any root will do for the agent; these are AWS's.
[[nodiscard]] net::HttpResponse token_answer(std::string_view operation, const Secret& token,
                                             std::string_view request_id) {
  const std::string root = std::string(operation) + "Output";
  net::HttpResponse response;
  response.status = 201;
  response.headers = {{"x-amzn-RequestId", std::string(request_id)}, {"Content-Type", "text/xml"}};
  response.body = R"(<?xml version="1.0" encoding="UTF-8"?><)" + root +
                  "><MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>" + token.reveal() +
                  "</TokenValue></" + root + ">";
  return response;
}

}  // namespace

struct MgsApi::Call {
  const net::HttpRequest& request;
  std::int64_t now_ms;
  std::string_view request_id;
};

std::optional<std::string> data_channel_session(std::string_view path) {
  return id_below(data_channel_prefix, path, "_.@-", 96);
}

//= CTL-002
std::optional<std::string> control_channel_instance(std::string_view path) {
  return id_below(control_channel_prefix, path, "_.@:-", 256);
}

AuthResult<Identity> MgsApi::authenticate(const net::HttpRequest& request,
                                          std::int64_t now_ms) const {
  return verify_request(
      request, state_.credentials,
      {.now_ms = now_ms, .region = state_.options.region, .service = "ssmmessages"});
}

net::HttpResponse MgsApi::handle(const net::HttpRequest& request, std::int64_t now_ms) {
  const std::string request_id = random_uuid(state_.random);
  if (request.method != "POST") {
    AwsError error{"MethodNotAllowedException",
                   "Use POST to create a channel, or a WebSocket upgrade to open it.", 405,
                   MessageMember::lower_case};
    net::HttpResponse response = render_xml_error(error, request_id);
    response.headers.push_back({"Allow", "POST"});
    return response;
  }
  if (request.body.size() > max_body_bytes) {
    return render_xml_error({"RequestEntityTooLargeException", "The request body is too large.",
                             413, MessageMember::lower_case},
                            request_id);
  }
  //= CTL-003
  if (const auto caller = authenticate(request, now_ms); !caller) {
    return auth_refusal(caller.error(), request_id);
  }
  const Call call{request, now_ms, request_id};
  return request.path().starts_with(control_channel_prefix) ? create_control_channel(call)
                                                            : create_data_channel(call);
}

namespace {

/// What is wrong with the body of either call.
[[nodiscard]] std::optional<std::string> body_mistake(const net::HttpRequest& request,
                                                      bool has_client_id) {
  const auto body = detail::parse_object(request.body);
  if (!body) {
    return body.error().message;
  }
  constexpr std::array<std::string_view, 1> versions = {"1.0"};
  detail::Violations violations;
  detail::ModelReader reader(*body, violations);
  reader.string("MessageSchemaVersion", {.required = true, .values = versions});
  reader.string("RequestId", {.required = true, .min_length = 16, .max_length = 64});
  if (has_client_id) {
    reader.string("ClientId", {.max_length = 64});
  }
  const auto error = violations.error();
  return error ? std::optional(error->message) : std::nullopt;
}

}  // namespace

//= CTL-001
net::HttpResponse MgsApi::create_control_channel(const Call& call) {
  const auto id = control_channel_instance(call.request.path());
  if (!id) {
    return render_xml_bad_request("The path does not name an instance.", call.request_id);
  }
  if (const auto mistake = body_mistake(call.request, false)) {
    return render_xml_bad_request(*mistake, call.request_id);
  }
  if (state_.refused_agents.contains(*id)) {
    return render_xml_error(
        {"ServiceUnavailableException",
         "The agent of " + *id + " was taken offline through /_ssmsim/v1/instances.", 503,
         MessageMember::lower_case},
        call.request_id);
  }
  const auto token = state_.control_tokens.issue(*id, call.now_ms);
  if (!token) {
    return render_xml_error(
        {"ThrottlingException", "Rate exceeded: too many instances ask for control channels.", 400,
         MessageMember::lower_case},
        call.request_id);
  }
  return token_answer("CreateControlChannel", *token, call.request_id);
}

//= CTL-014
net::HttpResponse MgsApi::create_data_channel(const Call& call) {
  const auto id = data_channel_session(call.request.path());
  if (!id) {
    return render_xml_bad_request("The path does not name a session.", call.request_id);
  }
  if (const auto mistake = body_mistake(call.request, true)) {
    return render_xml_bad_request(*mistake, call.request_id);
  }
  const auto token = state_.sessions.issue_agent_token(*id, call.now_ms);
  if (!token) {
    return render_xml_bad_request(terminated_text, call.request_id);
  }
  return token_answer("CreateDataChannel", *token, call.request_id);
}

//= AUTH-027
AuthResult<std::optional<Identity>> MgsApi::check_upgrade(const net::HttpRequest& request,
                                                          std::int64_t now_ms) const {
  if (!is_signed(request)) {
    return std::optional<Identity>();
  }
  auto identity = authenticate(request, now_ms);
  if (!identity) {
    return identity.error();
  }
  return std::optional<Identity>(std::move(*identity));
}

net::HttpResponse MgsApi::refusal(const AuthError& error) const {
  return auth_refusal(error, random_uuid(state_.random));
}

}  // namespace ssm::service
