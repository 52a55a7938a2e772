#pragma once

#include <string>
#include <string_view>

#include "ssm/protocol/handshake.hpp"

namespace ssm::protocol {

/// The client's answers in a handshake. Session types are accepted as in the reference client;
/// every action that is not known, KMSEncryption included as long as this client has no keys, is
/// answered as a failure, which makes the agent end the session (HS-012).
class ClientHandshake {
 public:
  /// Answers each action in order (HS-008). May be called again: a repeated request is answered
  /// again (HS-028).
  [[nodiscard]] HandshakeResponse answer(const HandshakeRequest& request,
                                         std::string_view client_version);

  /// True once a request was answered: from then on data waits for HandshakeComplete.
  [[nodiscard]] bool begun() const { return begun_; }
  /// The accepted session type, or empty.
  [[nodiscard]] const std::string& session_type() const { return session_type_; }
  [[nodiscard]] const std::string& agent_version() const { return agent_version_; }

 private:
  [[nodiscard]] ProcessedAction process(const RequestedAction& action);

  bool begun_ = false;
  std::string session_type_;
  std::string agent_version_;
};

}  // namespace ssm::protocol
