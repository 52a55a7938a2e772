#include "ssm/agent/data_channel_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "detail/xml_text.hpp"

namespace ssm::agent {
namespace {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

constexpr std::string_view aws_service = "ssmmessages";
/// Of a refusal's body, for the error text.
constexpr std::size_t shown_body_bytes = 1024;

/// The id as one segment of a path: what may not stand there is percent-encoded. The ids of the
/// service need none of it and travel as they are.
std::string path_segment(std::string_view id) {
  constexpr std::string_view allowed = "-._~!$&'()*+,;=:@";
  std::string segment;
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || allowed.find(c) != std::string_view::npos) {
      segment.push_back(c);
    } else {
      segment += fmt::format("%{:02X}", byte);
    }
  }
  return segment;
}

net::Url at_path(const net::Url& endpoint, std::string_view path, std::string_view id) {
  net::Url url = endpoint;
  url.target = endpoint.target.substr(0, endpoint.target.find('?'));
  while (url.target.ends_with('/')) {
    url.target.pop_back();
  }
  url.target += std::string(path) + path_segment(id);
  return url;
}

std::string websocket_scheme(const net::Url& endpoint) {
  return endpoint.scheme == "https" || endpoint.scheme == "wss" ? "wss" : "ws";
}

net::HttpRequest create_request(const net::Url& url, std::string body, const RequestSigner& sign) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = url.target;
  request.headers = {{"Host", url.host_header()},
                     {"User-Agent", "Go-http-client/1.1"},
                     {"Content-Type", "application/json"}};
  request.body = std::move(body);
  if (sign) {
    sign(request, aws_service);
  }
  return request;
}

bool is_host(const net::HttpHeader& header) {
  return net::find_header({header}, "Host").has_value();
}

}  // namespace

net::Url create_data_channel_url(const net::Url& endpoint, std::string_view session_id) {
  return at_path(endpoint, "/v1/data-channel/", session_id);
}

net::Url data_channel_url(const net::Url& endpoint, std::string_view session_id) {
  //= TRANS-002
  net::Url url = at_path(endpoint, "/v1/data-channel/", session_id);
  url.scheme = websocket_scheme(endpoint);
  url.target += "?role=publish_subscribe";
  return url;
}

net::Url create_control_channel_url(const net::Url& endpoint, std::string_view instance_id) {
  return at_path(endpoint, "/v1/control-channel/", instance_id);
}

net::Url control_channel_url(const net::Url& endpoint, std::string_view instance_id) {
  net::Url url = create_control_channel_url(endpoint, instance_id);
  url.scheme = websocket_scheme(endpoint);
  url.target += "?role=subscribe&stream=input";
  return url;
}

net::HttpRequest create_data_channel_request(const net::Url& url, std::string_view request_id,
                                             const RequestSigner& sign) {
  return create_request(
      url,
      fmt::format(R"({{"MessageSchemaVersion":"1.0","RequestId":"{}","ClientId":""}})", request_id),
      sign);
}

net::HttpRequest create_control_channel_request(const net::Url& url, std::string_view request_id,
                                                const RequestSigner& sign) {
  return create_request(
      url, fmt::format(R"({{"MessageSchemaVersion":"1.0","RequestId":"{}"}})", request_id), sign);
}

std::vector<net::HttpHeader> data_channel_headers(const net::Url& url, const RequestSigner& sign) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = url.target;
  request.headers = {{"Host", url.host_header()}};
  if (sign) {
    sign(request, aws_service);
  }
  std::erase_if(request.headers, is_host);
  return std::move(request.headers);
}

Result<std::string> token_from_answer(const net::HttpResponse& answer) {
  constexpr unsigned created = 201;
  if (answer.status != created) {
    return Error(Errc::malformed_payload, 0,
                 fmt::format("unexpected response from the service: status {}, expected 201: {}",
                             answer.status, answer.body.substr(0, shown_body_bytes)));
  }
  std::optional<std::string> token = detail::find_xml_text(answer.body, "TokenValue");
  if (!token || token->empty()) {
    return Error(Errc::malformed_payload, 0,
                 fmt::format("expected XML with a TokenValue, seen: {}",
                             answer.body.substr(0, shown_body_bytes)));
  }
  return std::move(*token);
}

}  // namespace ssm::agent
