#include "ssm/protocol/open_data_channel.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"

namespace ssm::protocol {

Result<OpenDataChannel> parse_open_data_channel(Bytes payload) {
  return detail::parse_object<OpenDataChannel>(
      payload, [](detail::FieldReader& reader, OpenDataChannel& open) {
        open.message_schema_version.clear();
        reader.read("MessageSchemaVersion", open.message_schema_version);
        reader.read("RequestId", open.request_id);
        reader.read("TokenValue", open.token_value);
        reader.read("ClientInstanceId", open.client_instance_id);
        reader.read("ClientId", open.client_id);
        reader.read("ClientVersion", open.client_version);
      });
}

std::string serialize(const OpenDataChannel& open) {
  std::string out;
  detail::ObjectWriter(out)
      .field("MessageSchemaVersion", open.message_schema_version)
      .field("RequestId", open.request_id)
      .field("TokenValue", open.token_value)
      .field_if("ClientInstanceId", open.client_instance_id)
      .field_if("ClientId", open.client_id)
      .field_if("ClientVersion", open.client_version)
      .end();
  return out;
}

}  // namespace ssm::protocol
