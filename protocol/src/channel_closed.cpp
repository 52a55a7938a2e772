#include "ssm/protocol/channel_closed.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"

namespace ssm::protocol {

Result<ChannelClosed> parse_channel_closed(Bytes payload) {
  return detail::parse_object<ChannelClosed>(
      payload, [](detail::FieldReader& reader, ChannelClosed& closed) {
        closed.message_type.clear();
        closed.schema_version = 0;
        reader.read("MessageType", closed.message_type);
        reader.read("MessageId", closed.message_id);
        reader.read("DestinationId", closed.destination_id);
        reader.read("SessionId", closed.session_id);
        reader.read("SchemaVersion", closed.schema_version);
        reader.read("CreatedDate", closed.created_date);
        reader.read("Output", closed.output);
      });
}

std::string serialize(const ChannelClosed& closed) {
  std::string out;
  detail::ObjectWriter(out)
      .field("MessageType", closed.message_type)
      .field("MessageId", closed.message_id)
      .field("DestinationId", closed.destination_id)
      .field("SessionId", closed.session_id)
      .field("SchemaVersion", closed.schema_version)
      .field("CreatedDate", closed.created_date)
      .field("Output", closed.output)
      .end();
  return out;
}

}  // namespace ssm::protocol
