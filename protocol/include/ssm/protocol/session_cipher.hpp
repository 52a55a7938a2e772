#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/secret_stream.hpp"

struct evp_cipher_ctx_st;

namespace ssm::protocol {

/// The data key from KMS: two keys, one for each direction.
///
///      0  32  agent to client
///     32  32  client to agent
inline constexpr std::size_t data_key_size = 64;

/// How encrypted data travels (session-manager-plugin `src/encryption/encrypter.go`,
/// amazon-ssm-agent `agent/session/crypto/blockcipher.go`):
///
///      0  12  nonce
///     12   n  ciphertext, as long as the plaintext
///   12+n  16  tag
inline constexpr std::size_t nonce_size = 12;
inline constexpr std::size_t tag_size = 16;
inline constexpr std::size_t envelope_overhead = nonce_size + tag_size;

using Nonce = std::array<std::byte, nonce_size>;

/// Nonces that are never used twice with one key.
class NonceSource {
 public:
  /// Each one random (plugin, agents before 3.3.808.0).
  [[nodiscard]] static NonceSource random(SecretStream secrets);
  /// A 96-bit little-endian counter (agent `agent/session/crypto/nonce.go`); `first` is used first.
  [[nodiscard]] static NonceSource counter(const Nonce& first);

  [[nodiscard]] Nonce next();

 private:
  NonceSource() = default;
  std::optional<SecretStream> secrets_;  ///< none: counter
  Nonce counter_{};
};

/// The two ends of an encrypted session.
enum class CipherEnd : std::uint8_t { agent, client };

/// AES-256-GCM in both directions, no additional data. The keys stay the same for the life of the
/// session; a message is encrypted once, and resent as it is (ENC-024).
///
/// Movable; not thread safe.
class SessionCipher {
 public:
  /// `data_key` has data_key_size bytes (asserted).
  SessionCipher(CipherEnd end, Bytes data_key, NonceSource nonces);

  /// Fills `envelope`, which is envelope_overhead larger than `plaintext` and does not overlap it
  /// (asserted).
  void encrypt(Bytes plaintext, MutableBytes envelope);

  /// The plaintext in a frame of its own; empty for an envelope of nothing. Any nonce is taken
  /// (ENC-007). Errors: malformed_payload (too short), bad_tag.
  [[nodiscard]] Result<Frame> decrypt(Bytes envelope);

 private:
  struct FreeContext {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, FreeContext>;

  NonceSource nonces_;
  Context encrypting_;
  Context decrypting_;
};

/// Which payload types an end encrypts; everything else travels in the clear (ENC-008 to ENC-011).
[[nodiscard]] constexpr bool is_encrypted_by(CipherEnd sender, PayloadType type) {
  return type == PayloadType::output ||
         (sender == CipherEnd::agent &&
          (type == PayloadType::std_err || type == PayloadType::exit_code));
}

}  // namespace ssm::protocol
