#include "ssm/protocol/handshake.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"

namespace ssm::protocol {
namespace {

using detail::FieldReader;
using detail::JsonKind;
using detail::JsonValue;
using detail::ObjectWriter;

/// Reads each element of an array of objects; null counts as an empty object, as in Go.
template <class Element, class Fill>
std::vector<Element> read_objects(FieldReader& reader, std::string_view field, Fill fill) {
  std::vector<Element> elements;
  for (const JsonValue value : reader.read_array(field)) {
    const std::string path = std::string(field) + "[" + std::to_string(elements.size()) + "]";
    Element& element = elements.emplace_back();
    if (value.kind() == JsonKind::object) {
      FieldReader members(value, path + ".");
      fill(members, element);
      reader.fail(std::move(members.error()));
    } else if (!value.is_null()) {
      reader.fail(path, "an object", value);
    }
  }
  return elements;
}

SessionTypeParameters read_session_type(std::optional<JsonValue> value) {
  SessionTypeParameters parameters;
  if (value && value->kind() == JsonKind::object) {
    FieldReader reader(*value);  // its error is meant to be lost: see the header
    reader.read("SessionType", parameters.session_type);
    reader.read_json("Properties", parameters.properties);
  }
  return parameters;
}

KmsEncryptionParameters read_kms_encryption(std::optional<JsonValue> value) {
  KmsEncryptionParameters parameters;
  if (value && value->kind() == JsonKind::object) {
    FieldReader reader(*value);  // its error is meant to be lost: see the header
    reader.read("KMSKeyId", parameters.kms_key_id);
    reader.read("Challenge", parameters.challenge);
  }
  return parameters;
}

void read_requested_action(FieldReader& reader, RequestedAction& action) {
  reader.read("ActionType", action.action_type);
  const std::optional<JsonValue> parameters = reader.find("ActionParameters");
  if (action.action_type == action_session_type) {
    action.parameters = read_session_type(parameters);
  } else if (action.action_type == action_kms_encryption) {
    action.parameters = read_kms_encryption(parameters);
  } else if (parameters) {
    action.parameters = JsonText{parameters->to_json()};
  }
}

std::optional<KmsEncryptionResult> read_kms_result(JsonValue value) {
  if (value.kind() != JsonKind::object) {
    return std::nullopt;
  }
  KmsEncryptionResult result;
  FieldReader reader(value);
  reader.read_base64("KMSCipherTextKey", result.cipher_text_key);
  reader.read_base64("KMSCipherTextHash", result.cipher_text_hash);
  reader.read("ChallengeAcknowledgement", result.challenge_acknowledgement);
  return reader.error() ? std::nullopt : std::optional(std::move(result));
}

void read_processed_action(FieldReader& reader, ProcessedAction& action) {
  reader.read("ActionType", action.action_type);
  reader.read("ActionStatus", action.status);
  reader.read("Error", action.error);
  const std::optional<JsonValue> result = reader.find("ActionResult");
  if (!result) {
    return;
  }
  if (action.action_type == action_kms_encryption) {
    if (auto kms = read_kms_result(*result)) {
      action.result = std::move(*kms);
      return;
    }
  }
  action.result = JsonText{result->to_json()};
}

void append(std::string& out, const JsonText& json) {
  detail::append_compact_json(out, json.text);
}

void append(std::string& out, const SessionTypeParameters& parameters) {
  ObjectWriter(out)
      .field("SessionType", parameters.session_type)
      .json("Properties", parameters.properties)
      .end();
}

void append(std::string& out, const KmsEncryptionParameters& parameters) {
  ObjectWriter writer(out);
  writer.field("KMSKeyId", parameters.kms_key_id);
  if (!parameters.challenge.empty()) {
    writer.field("Challenge", parameters.challenge);
  }
  writer.end();
}

void append(std::string& out, const KmsEncryptionResult& result) {
  ObjectWriter(out)
      .field("KMSCipherTextKey", result.cipher_text_key)
      .field_or_null("KMSCipherTextHash", result.cipher_text_hash)
      .field_if("ChallengeAcknowledgement", result.challenge_acknowledgement)
      .end();
}

void append(std::string& out, const RequestedAction& action) {
  ObjectWriter writer(out);
  writer.field("ActionType", action.action_type).begin("ActionParameters");
  std::visit([&](const auto& parameters) { append(out, parameters); }, action.parameters);
  writer.end();
}

void append(std::string& out, const ProcessedAction& action) {
  ObjectWriter writer(out);
  writer.field("ActionType", action.action_type)
      .field("ActionStatus", action.status)
      .begin("ActionResult");
  std::visit([&](const auto& result) { append(out, result); }, action.result);
  writer.field("Error", action.error).end();
}

}  // namespace

Result<HandshakeRequest> parse_handshake_request(Bytes payload) {
  return detail::parse_object<HandshakeRequest>(
      payload, [](FieldReader& reader, HandshakeRequest& request) {
        reader.read("AgentVersion", request.agent_version);
        request.requested_actions =
            read_objects<RequestedAction>(reader, "RequestedClientActions", read_requested_action);
      });
}

//= HS-016
Result<HandshakeResponse> parse_handshake_response(Bytes payload) {
  return detail::parse_object<HandshakeResponse>(
      payload, [](FieldReader& reader, HandshakeResponse& response) {
        reader.read("ClientVersion", response.client_version);
        response.processed_actions =
            read_objects<ProcessedAction>(reader, "ProcessedClientActions", read_processed_action);
        const std::optional<JsonValue> errors = reader.find("Errors");
        std::vector<std::string> texts = reader.read_strings("Errors");
        if (errors && !errors->is_null()) {
          response.errors = std::move(texts);
        }
      });
}

Result<HandshakeComplete> parse_handshake_complete(Bytes payload) {
  return detail::parse_object<HandshakeComplete>(
      payload, [](FieldReader& reader, HandshakeComplete& complete) {
        reader.read("HandshakeTimeToComplete", complete.time_to_complete);
        reader.read("CustomerMessage", complete.customer_message);
      });
}

std::string serialize(const HandshakeRequest& request) {
  std::string out;
  ObjectWriter writer(out);
  writer.field("AgentVersion", request.agent_version).begin("RequestedClientActions");
  detail::append_array(out, request.requested_actions,
                       [&](const RequestedAction& action) { append(out, action); });
  writer.end();
  return out;
}

//= HS-015
std::string serialize(const HandshakeResponse& response) {
  std::string out;
  ObjectWriter writer(out);
  writer.field("ClientVersion", response.client_version).begin("ProcessedClientActions");
  detail::append_array(out, response.processed_actions,
                       [&](const ProcessedAction& action) { append(out, action); });
  if (response.errors) {
    writer.begin("Errors");
    detail::append_array(out, *response.errors,
                         [&](const std::string& error) { detail::append_json_string(out, error); });
  } else {
    writer.json("Errors", "null");
  }
  writer.end();
  return out;
}

//= HS-020
std::string serialize(const HandshakeComplete& complete) {
  std::string out;
  ObjectWriter(out)
      .field("HandshakeTimeToComplete", complete.time_to_complete)
      .field("CustomerMessage", complete.customer_message)
      .end();
  return out;
}

}  // namespace ssm::protocol
