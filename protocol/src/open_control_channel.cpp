#include "ssm/protocol/open_control_channel.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"

namespace ssm::protocol {

Result<OpenControlChannel> parse_open_control_channel(Bytes payload) {
  return detail::parse_object<OpenControlChannel>(
      payload, [](detail::FieldReader& reader, OpenControlChannel& open) {
        open.message_schema_version.clear();
        reader.read("MessageSchemaVersion", open.message_schema_version);
        reader.read("RequestId", open.request_id);
        reader.read("TokenValue", open.token_value);
        reader.read("AgentVersion", open.agent_version);
        reader.read("PlatformType", open.platform_type);
      });
}

std::string serialize(const OpenControlChannel& open) {
  std::string out;
  detail::ObjectWriter(out)
      .json("Cookie", "null")
      .field("MessageSchemaVersion", open.message_schema_version)
      .field("RequestId", open.request_id)
      .field("TokenValue", open.token_value)
      .field("AgentVersion", open.agent_version)
      .field("PlatformType", open.platform_type)
      .end();
  return out;
}

}  // namespace ssm::protocol
