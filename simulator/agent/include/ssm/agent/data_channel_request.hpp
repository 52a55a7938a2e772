#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ssm/net/http.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::agent {

/// Adds the headers of AWS Signature V4 to a request that is otherwise complete, Host included.
/// `aws_service` is the name in the credential scope. An empty function signs nothing.
using RequestSigner = std::function<void(net::HttpRequest& request, std::string_view aws_service)>;

/// Where the data channels of `endpoint` (http or https, an optional path before ours) are opened:
/// the REST call that gives a token.
///
///     POST {endpoint}/v1/data-channel/{session id}
[[nodiscard]] net::Url create_data_channel_url(const net::Url& endpoint,
                                               std::string_view session_id);

/// The WebSocket of an agent's end (TRANS-002).
///
///     GET {endpoint}/v1/data-channel/{session id}?role=publish_subscribe
[[nodiscard]] net::Url data_channel_url(const net::Url& endpoint, std::string_view session_id);

/// The same for the control channel of an instance (amazon-ssm-agent
/// `agent/session/communicator/websocketchannel.go`).
///
///     POST {endpoint}/v1/control-channel/{instance id}
///     GET {endpoint}/v1/control-channel/{instance id}?role=subscribe&stream=input
[[nodiscard]] net::Url create_control_channel_url(const net::Url& endpoint,
                                                  std::string_view instance_id);
[[nodiscard]] net::Url control_channel_url(const net::Url& endpoint, std::string_view instance_id);

/// CreateControlChannel, signed.
[[nodiscard]] net::HttpRequest create_control_channel_request(const net::Url& url,
                                                              std::string_view request_id,
                                                              const RequestSigner& sign);

/// CreateDataChannel, signed. The body has Go's field order; ClientId is empty, as amazon-ssm-agent
/// sends it (`agent/session/service/api.go`, `agent/session/datachannel/datachannel.go`).
[[nodiscard]] net::HttpRequest create_data_channel_request(const net::Url& url,
                                                           std::string_view request_id,
                                                           const RequestSigner& sign);

/// Headers of the upgrade request of either channel, signed; without Host, which the connection
/// adds itself.
[[nodiscard]] std::vector<net::HttpHeader> data_channel_headers(const net::Url& url,
                                                                const RequestSigner& sign);

/// The token of an answer to CreateDataChannel or CreateControlChannel: status exactly 201, and XML
/// whose root, whatever its name, has a child TokenValue. Errors: malformed_payload, the context
/// has the status and the start of the body.
[[nodiscard]] protocol::Result<std::string> token_from_answer(const net::HttpResponse& answer);

}  // namespace ssm::agent
