#include "ssm/protocol/encryption_challenge.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"
#include "ssm/protocol/base64.hpp"

namespace ssm::protocol {

EncryptionChallenge EncryptionChallenge::from_bytes(Bytes envelope) {
  return {.challenge = encode_base64(envelope)};
}

Result<std::vector<std::byte>> EncryptionChallenge::bytes() const {
  return decode_base64(challenge);
}

Result<EncryptionChallenge> parse_encryption_challenge(Bytes payload) {
  return detail::parse_object<EncryptionChallenge>(
      payload, [](detail::FieldReader& reader, EncryptionChallenge& challenge) {
        reader.read_base64("Challenge", challenge.challenge);
      });
}

std::string serialize(const EncryptionChallenge& challenge) {
  std::string out;
  detail::ObjectWriter(out).field("Challenge", challenge.challenge).end();
  return out;
}

}  // namespace ssm::protocol
