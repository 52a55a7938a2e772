#include "detail/outgoing.hpp"

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/codec.hpp"

namespace ssm::protocol::detail {
namespace {

Frame encode_known_good(const MessageHeader& header, Bytes payload) {
  Result<Frame> frame = encode(header, payload);
  SSM_ASSERT(frame.has_value());
  return std::move(*frame);
}

}  // namespace

Frame make_acknowledge(const MessageView& message, std::uint64_t created_date_ms, Random& random) {
  Frame frame = Frame::with_size(encoded_size(acknowledge_size_max));
  const MutableBytes out = frame.writable();
  //= ACK-002
  const std::size_t payload_size = write_acknowledge(
      message.type_text, message.message_id, message.sequence_number, out.subspan(payload_offset));
  //= WIRE-025
  //= ACK-011
  const MessageHeader header{.type = wire_name(MessageType::acknowledge),
                             .created_date_ms = created_date_ms,
                             .sequence_number = 0,
                             .flags = flag_syn | flag_fin,
                             .message_id = Uuid::random_v4(random),
                             .payload_type = PayloadType::none};
  const Result<std::size_t> size = encode(header, out.subspan(payload_offset, payload_size), out);
  SSM_ASSERT(size.has_value());
  frame.truncate(*size);
  return frame;
}

Frame make_control(MessageType type, Bytes payload, std::uint64_t flags,
                   std::uint64_t created_date_ms, Random& random) {
  return encode_known_good({.type = wire_name(type),
                            .created_date_ms = created_date_ms,
                            .sequence_number = 0,
                            .flags = flags,
                            .message_id = Uuid::random_v4(random),
                            .payload_type = PayloadType::none},
                           payload);
}

Frame make_stream(const StreamMessage& message, Bytes payload, SessionCipher* cipher,
                  std::uint64_t created_date_ms, Random& random) {
  const MessageHeader header{.type = wire_name(message.type),
                             .created_date_ms = created_date_ms,
                             .sequence_number = message.sequence_number,
                             .flags = message.flags,
                             .message_id = Uuid::random_v4(random),
                             .payload_type = message.payload_type};
  if (cipher == nullptr) {
    return encode_known_good(header, payload);
  }
  // Encrypted where it will stand.
  Frame frame = Frame::with_size(encoded_size(payload.size() + envelope_overhead));
  const MutableBytes out = frame.writable();
  const MutableBytes envelope = out.subspan(payload_offset);
  cipher->encrypt(payload, envelope);
  const Result<std::size_t> size = encode(header, envelope, out);
  SSM_ASSERT(size.has_value());
  return frame;
}

}  // namespace ssm::protocol::detail
