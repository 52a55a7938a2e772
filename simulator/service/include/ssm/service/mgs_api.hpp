#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/net/http.hpp"
#include "ssm/service/service_state.hpp"
#include "ssm/service/sigv4.hpp"

namespace ssm::service {

/// The session id of `/v1/data-channel/<id>`, percent-decoded; nullopt for any other path and for
/// an id that no session can have (not 1 to 96 of A-Za-z0-9_.@-, or `.` or `..`).
[[nodiscard]] std::optional<std::string> data_channel_session(std::string_view path);

/// The instance id of `/v1/control-channel/<id>`, percent-decoded; nullopt for any other path and
/// for an id that is not 1 to 256 of A-Za-z0-9_.:@-, or `.` or `..`. Container ids have colons.
[[nodiscard]] std::optional<std::string> control_channel_instance(std::string_view path);

/// The REST side of the message gateway (`ssmmessages`): CreateControlChannel and
/// CreateDataChannel, with which an agent gets the tokens for its channels (amazon-ssm-agent
/// agent/session/service/service.go).
/// Request in, response out; nothing throws. On the loop's thread.
class MgsApi {
 public:
  static constexpr std::size_t max_body_bytes = std::size_t{64} * 1024;

  /// `state` must outlive the object.
  explicit MgsApi(ServiceState& state) : state_(state) {}

  /// Handles a path below `/v1/control-channel/` or `/v1/data-channel/`. 201 with XML, or an XML
  /// error.
  [[nodiscard]] net::HttpResponse handle(const net::HttpRequest& request, std::int64_t now_ms);

  /// For a WebSocket upgrade: nullopt if it carries no signature (the token in its first message
  /// decides), the caller if it has a good one, an error if it has a bad one (AUTH-027).
  [[nodiscard]] AuthResult<std::optional<Identity>> check_upgrade(const net::HttpRequest& request,
                                                                  std::int64_t now_ms) const;
  /// The response that refuses an upgrade for that error.
  [[nodiscard]] net::HttpResponse refusal(const AuthError& error) const;

 private:
  [[nodiscard]] AuthResult<Identity> authenticate(const net::HttpRequest& request,
                                                  std::int64_t now_ms) const;
  struct Call;
  [[nodiscard]] net::HttpResponse create_control_channel(const Call& call);
  [[nodiscard]] net::HttpResponse create_data_channel(const Call& call);

  ServiceState& state_;
};

}  // namespace ssm::service
