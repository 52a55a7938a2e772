#include <cstdio>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/codec.hpp"

// A program outside the project: builds an acknowledgement and reads it back.
int main() {
  namespace protocol = ssm::protocol;
  protocol::Random random(1);
  const std::string payload = protocol::serialize(protocol::Acknowledge{
      .message_type = "output_stream_data",
      .message_id = protocol::Uuid::random_v4(random).to_string(),
      .sequence_number = 7,
      .is_sequential = true,
  });
  const auto frame = protocol::encode({.type = "acknowledge",
                                       .created_date_ms = 1,
                                       .sequence_number = 0,
                                       .flags = 3,
                                       .message_id = protocol::Uuid::random_v4(random),
                                       .payload_type = protocol::PayloadType::none},
                                      protocol::as_bytes(payload));
  if (!frame) {
    std::puts(frame.error().to_string().c_str());
    return 1;
  }
  const auto message = protocol::parse(frame->bytes(), protocol::strict_message_rules);
  if (!message) {
    std::puts(message.error().to_string().c_str());
    return 1;
  }
  return protocol::parse_acknowledged_sequence(message->payload).value() == 7 ? 0 : 1;
}
