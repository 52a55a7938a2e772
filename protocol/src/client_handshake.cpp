#include "ssm/protocol/client_handshake.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ssm::protocol {
namespace {

constexpr std::array<std::string_view, 4> session_types = {"Standard_Stream", "InteractiveCommands",
                                                           "NonInteractiveCommands", "Port"};

}  // namespace

HandshakeResponse ClientHandshake::answer(const HandshakeRequest& request,
                                          std::string_view client_version) {
  begun_ = true;
  agent_version_ = request.agent_version;
  HandshakeResponse response{.client_version = std::string(client_version),
                             .processed_actions = {},
                             .errors = std::nullopt};
  //= HS-008
  for (const RequestedAction& action : request.requested_actions) {
    ProcessedAction processed = process(action);
    //= HS-015
    if (!processed.error.empty()) {
      if (!response.errors) {
        response.errors.emplace();
      }
      response.errors->push_back(processed.error);
    }
    if (processed.status == action_failed) {
      processed.error = "Failed to process action " + action.action_type + ": " + processed.error;
    }
    response.processed_actions.push_back(std::move(processed));
  }
  return response;
}

ProcessedAction ClientHandshake::process(const RequestedAction& action) {
  ProcessedAction processed{.action_type = action.action_type,
                            .status = action_success,
                            .result = JsonText{},
                            .error = {}};
  if (const auto* type = std::get_if<SessionTypeParameters>(&action.parameters)) {
    //= HS-009
    if (std::find(session_types.begin(), session_types.end(), type->session_type) !=
        session_types.end()) {
      session_type_ = type->session_type;
    } else {
      //= HS-010
      processed.status = action_failed;
      processed.error = "Unknown session type " + type->session_type;
    }
  } else if (std::holds_alternative<KmsEncryptionParameters>(action.parameters)) {
    //= ENC-016
    processed.status = action_failed;
    processed.error = "this client has no KMS access, so it cannot encrypt the session";
  } else {
    // The reference puts 3 into ActionResult by mistake (HS-011).
    processed.status = action_unsupported;
    processed.error = "Unsupported action " + action.action_type;
  }
  return processed;
}

}  // namespace ssm::protocol
