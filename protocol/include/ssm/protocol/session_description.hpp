#pragma once

#include <string>

namespace ssm::protocol {

/// What an agent was told about a session before it opens the data channel (the session document,
/// which comes on the control channel: amazon-ssm-agent `agent/session/contracts/model.go`,
/// `agent/session/plugins/sessionplugin/sessionplugin.go`).
struct SessionDescription {
  /// `Standard_Stream`, `InteractiveCommands`, `NonInteractiveCommands` or `Port`.
  std::string session_type = "Standard_Stream";
  /// The document's properties as JSON text; the client is told them for Port only (HS-007).
  std::string properties = "null";
  /// Not empty: stream data is encrypted, except in Port sessions (ENC-025).
  std::string kms_key_id = {};
  /// NonInteractiveCommands with separate streams for stdout and stderr.
  bool separate_output = false;
};

}  // namespace ssm::protocol
