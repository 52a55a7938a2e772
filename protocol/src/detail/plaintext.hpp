#pragma once

#include <optional>
#include <utility>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/session_cipher.hpp"

namespace ssm::protocol::detail {

/// The payload as its sender meant it: decrypted if the session is encrypted (`cipher` is not
/// nullptr) and its type is one that `sender` encrypts; nothing if that fails.
[[nodiscard]] inline std::optional<FrameSlice> plaintext(SessionCipher* cipher, CipherEnd sender,
                                                         const MessageView& message,
                                                         const Frame& frame) {
  if (cipher == nullptr || !is_encrypted_by(sender, message.payload_type())) {
    return FrameSlice(frame, message.payload);
  }
  Result<Frame> decrypted = cipher->decrypt(message.payload);
  if (!decrypted) {
    //= ENC-022
    return std::nullopt;
  }
  const Bytes whole = decrypted->bytes();
  return FrameSlice(std::move(*decrypted), whole);
}

}  // namespace ssm::protocol::detail
