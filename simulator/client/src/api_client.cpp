#include "ssm/client/api_client.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace ssm::client {
namespace {

namespace json = boost::json;

constexpr std::size_t shown_body_bytes = 200;

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    return std::nullopt;
  }
  return std::move(value.get_object());
}

/// A text member; empty when it is absent or null, nullopt when it is something else.
std::optional<std::string> text_member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) {
    return std::string();
  }
  if (const json::string* text = value->if_string()) {
    return std::string(text->data(), text->size());
  }
  return std::nullopt;
}

/// `com.amazonaws.ssm#TargetNotConnected` or `TargetNotConnected:http://...` to the name alone.
std::string error_name(std::string_view type) {
  type = type.substr(0, type.find(':'));
  const std::size_t hash = type.rfind('#');
  return printable(hash == std::string_view::npos ? type : type.substr(hash + 1), 100);
}

ApiError refusal(const net::HttpResponse& response) {
  ApiError error{.kind = ApiError::Kind::refused,
                 .code = error_name(response.header("x-amzn-ErrorType").value_or("")),
                 .message = {},
                 .status = response.status};
  const std::optional<json::object> body = parse_object(response.body);
  if (!body) {
    error.message = fmt::format("HTTP status {} without an AWS error; the answer begins: {}",
                                response.status, printable(response.body, shown_body_bytes));
    return error;
  }
  if (const auto type = text_member(*body, "__type"); type && !type->empty()) {
    error.code = error_name(*type);
  }
  for (const std::string_view spelling : {"message", "Message"}) {
    if (const auto text = text_member(*body, spelling); text && !text->empty()) {
      error.message = printable(*text);
    }
  }
  if (error.message.empty()) {
    error.message = fmt::format("HTTP status {}", response.status);
  }
  return error;
}

ApiError malformed(std::string_view operation, std::string_view what) {
  return {.kind = ApiError::Kind::malformed_answer,
          .code = {},
          .message = fmt::format("the answer to {} {}", operation, what),
          .status = 200};
}

ApiResult<SessionAccess> parse_access(std::string_view operation, const std::string& body,
                                      bool all_needed) {
  const std::optional<json::object> object = parse_object(body);
  if (!object) {
    return malformed(operation, "is no JSON object");
  }
  SessionAccess access;
  const std::pair<std::string_view, std::string*> members[] = {{"SessionId", &access.session_id},
                                                               {"TokenValue", &access.token},
                                                               {"StreamUrl", &access.stream_url}};
  for (const auto& [name, destination] : members) {
    std::optional<std::string> text = text_member(*object, name);
    if (!text) {
      return malformed(operation, fmt::format("has a {} that is no text", name));
    }
    if (all_needed && text->empty()) {
      return malformed(operation, fmt::format("lacks {}", name));
    }
    *destination = *std::move(text);
  }
  return access;
}

std::string session_id_body(std::string_view session_id) {
  return json::serialize(json::object{{"SessionId", session_id}});
}

std::string to_json(const StartSessionRequest& request) {
  json::object body{{"Target", request.target}};
  if (!request.document_name.empty()) {
    body["DocumentName"] = request.document_name;
  }
  if (!request.reason.empty()) {
    body["Reason"] = request.reason;
  }
  if (!request.parameters.empty()) {
    json::object parameters;
    for (const auto& [name, values] : request.parameters) {
      parameters[name] = json::array(values.begin(), values.end());
    }
    body["Parameters"] = std::move(parameters);
  }
  return json::serialize(body);
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string result(text.substr(0, limit));
  std::replace_if(
      result.begin(), result.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return result;
}

std::string ApiError::to_string() const {
  return code.empty() ? message : fmt::format("{}: {}", code, message);
}

ApiClient::ApiClient(net::EventLoop& loop, ApiClientOptions options)
    : loop_(loop), options_(std::move(options)) {}

net::PendingOperation ApiClient::start_session(
    const StartSessionRequest& request, std::function<void(ApiResult<SessionAccess>)> callback) {
  return call("StartSession", to_json(request),
              [callback = std::move(callback)](const ApiResult<std::string>& answer) {
                callback(answer ? parse_access("StartSession", *answer, true) : answer.error());
              });
}

net::PendingOperation ApiClient::resume_session(
    std::string_view session_id, std::function<void(ApiResult<SessionAccess>)> callback) {
  //= RESUME-001
  return call("ResumeSession", session_id_body(session_id),
              [callback = std::move(callback)](const ApiResult<std::string>& answer) {
                callback(answer ? parse_access("ResumeSession", *answer, false) : answer.error());
              });
}

net::PendingOperation ApiClient::terminate_session(
    std::string_view session_id, std::function<void(ApiResult<std::string>)> callback) {
  return call("TerminateSession", session_id_body(session_id),
              [callback = std::move(callback),
               id = std::string(session_id)](const ApiResult<std::string>& answer) {
                callback(answer ? ApiResult<std::string>(id) : answer.error());
              });
}

net::PendingOperation ApiClient::call(std::string_view operation, std::string body,
                                      std::function<void(ApiResult<std::string>)> callback) {
  net::HttpRequest request{.method = "POST",
                           .target = options_.endpoint.target,
                           .headers = {{"Host", options_.endpoint.host_header()},
                                       {"Content-Type", "application/x-amz-json-1.1"},
                                       {"X-Amz-Target", fmt::format("AmazonSSM.{}", operation)},
                                       {"User-Agent", options_.user_agent}},
                           .body = std::move(body),
                           .remote = {}};
  if (options_.sign) {
    options_.sign(request, "ssm");
  }
  return net::http_request(
      loop_, options_.endpoint, std::move(request), options_.timeout,
      [callback = std::move(callback)](const protocol::Result<net::HttpResponse>& response) {
        if (!response) {
          callback(ApiError{.kind = ApiError::Kind::unreachable,
                            .code = {},
                            .message = printable(response.error().to_string()),
                            .status = 0});
        } else if (response->status / 100 != 2) {
          callback(refusal(*response));
        } else {
          callback(response->body);
        }
      });
}

void terminate_and_wait(net::EventLoop& loop, ApiClient& api, std::string_view session_id,
                        net::Duration limit) {
  const auto pending =
      api.terminate_session(session_id, [&loop](const auto& /*result*/) { loop.stop(); });
  net::Timer timer(loop);
  timer.arm(net::EventLoop::now() + limit, [&loop] { loop.stop(); });
  loop.run();
}

}  // namespace ssm::client
