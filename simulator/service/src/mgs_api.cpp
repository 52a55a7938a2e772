#include "ssm/service/mgs_api.hpp"

#include <algorithm>
#include <array>

#include "detail/model_reader.hpp"
#include "detail/text.hpp"
#include "ssm/service/aws_error.hpp"

namespace ssm::service {
namespace {

constexpr std::string_view data_channel_prefix = "/v1/data-channel/";

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

}  // namespace

std::optional<std::string> data_channel_session(std::string_view path) {
  if (!path.starts_with(data_channel_prefix)) {
    return std::nullopt;
  }
  std::string id = detail::percent_decode(path.substr(data_channel_prefix.size()), false);
  const bool plausible =
      !id.empty() && id.size() <= 96 && id != "." && id != ".." &&
      std::all_of(id.begin(), id.end(), [](char c) {
        return detail::is_alnum(c) || c == '_' || c == '.' || c == '@' || c == '-';
      });
  return plausible ? std::optional(std::move(id)) : std::nullopt;
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
                   "Use POST to create a data channel, or a WebSocket upgrade to open it.", 405,
                   MessageMember::lower_case};
    net::HttpResponse response = render_xml_error(error, request_id);
    response.headers.push_back({"Allow", "POST"});
    return response;
  }
  return create_data_channel(request, now_ms, request_id);
}

net::HttpResponse MgsApi::create_data_channel(const net::HttpRequest& request, std::int64_t now_ms,
                                              std::string_view request_id) {
  if (request.body.size() > max_body_bytes) {
    return render_xml_error({"RequestEntityTooLargeException", "The request body is too large.",
                             413, MessageMember::lower_case},
                            request_id);
  }
  const auto caller = authenticate(request, now_ms);
  if (!caller) {
    return auth_refusal(caller.error(), request_id);
  }
  const auto id = data_channel_session(request.path());
  if (!id) {
    return render_xml_bad_request("The path does not name a session.", request_id);
  }
  const auto body = detail::parse_object(request.body);
  if (!body) {
    return render_xml_bad_request(body.error().message, request_id);
  }
  constexpr std::array<std::string_view, 1> versions = {"1.0"};
  detail::Violations violations;
  detail::ModelReader reader(*body, violations);
  reader.string("MessageSchemaVersion", {.required = true, .values = versions});
  reader.string("RequestId", {.required = true, .min_length = 16, .max_length = 64});
  reader.string("ClientId", {.max_length = 64});
  if (const auto error = violations.error()) {
    return render_xml_bad_request(error->message, request_id);
  }
  const auto token = state_.sessions.issue_agent_token(*id, now_ms);
  if (!token) {
    return render_xml_bad_request(terminated_text, request_id);
  }
  net::HttpResponse response;
  response.status = 201;
  response.headers = {{"x-amzn-RequestId", std::string(request_id)}, {"Content-Type", "text/xml"}};
  response.body = R"(<?xml version="1.0" encoding="UTF-8"?><CreateDataChannelOutput>)"
                  "<MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>" +
                  token->reveal() + "</TokenValue></CreateDataChannelOutput>";
  return response;
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
