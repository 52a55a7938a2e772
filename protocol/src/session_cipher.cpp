#include "ssm/protocol/session_cipher.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

constexpr std::size_t key_size = data_key_size / 2;

unsigned char* raw(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

int length_of(Bytes bytes) {
  SSM_ASSERT(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(bytes.size());
}

}  // namespace

NonceSource NonceSource::random(SecretStream secrets) {
  NonceSource source;
  source.secrets_ = secrets;
  return source;
}

NonceSource NonceSource::counter(const Nonce& first) {
  NonceSource source;
  source.counter_ = first;
  return source;
}

Nonce NonceSource::next() {
  Nonce nonce = counter_;
  if (secrets_) {
    //= ENC-006
    secrets_->fill(nonce);
    return nonce;
  }
  //= ENC-005
  for (std::byte& byte : counter_) {
    byte = static_cast<std::byte>(std::to_integer<unsigned>(byte) + 1U);
    if (byte != std::byte{0}) {
      break;
    }
  }
  return nonce;
}

void SessionCipher::FreeContext::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

SessionCipher::SessionCipher(CipherEnd end, Bytes data_key, NonceSource nonces)
    : nonces_(std::move(nonces)),
      encrypting_(EVP_CIPHER_CTX_new()),
      decrypting_(EVP_CIPHER_CTX_new()) {
  SSM_ASSERT(data_key.size() == data_key_size);
  //= ENC-003
  const Bytes from_agent = data_key.first(key_size);
  const Bytes from_client = data_key.last(key_size);
  const bool is_agent = end == CipherEnd::agent;
  //= ENC-004
  const bool ready = encrypting_ != nullptr && decrypting_ != nullptr &&
                     EVP_EncryptInit_ex(encrypting_.get(), EVP_aes_256_gcm(), nullptr,
                                        raw(is_agent ? from_agent : from_client), nullptr) == 1 &&
                     EVP_DecryptInit_ex(decrypting_.get(), EVP_aes_256_gcm(), nullptr,
                                        raw(is_agent ? from_client : from_agent), nullptr) == 1;
  SSM_ASSERT(ready);
}

void SessionCipher::encrypt(Bytes plaintext, MutableBytes envelope) {
  SSM_ASSERT(envelope.size() == plaintext.size() + envelope_overhead);
  const Nonce nonce = nonces_.next();
  std::copy(nonce.begin(), nonce.end(), envelope.begin());
  const MutableBytes ciphertext = envelope.subspan(nonce_size, plaintext.size());
  int written = 0;
  int rest = 0;
  EVP_CIPHER_CTX* const context = encrypting_.get();
  const bool done =
      EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, raw(Bytes(nonce))) == 1 &&
      EVP_EncryptUpdate(context, raw(ciphertext), &written, raw(plaintext), length_of(plaintext)) ==
          1 &&
      EVP_EncryptFinal_ex(context, raw(ciphertext) + written, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_size),
                          raw(envelope.last(tag_size))) == 1;
  SSM_ASSERT(done && written + rest == length_of(plaintext));
}

Result<Frame> SessionCipher::decrypt(Bytes envelope) {
  //= ENC-023
  if (envelope.size() < envelope_overhead) {
    return Error(
        Errc::malformed_payload, 0,
        "encrypted data has at least 28 bytes, this has " + std::to_string(envelope.size()));
  }
  const Bytes ciphertext = envelope.subspan(nonce_size, envelope.size() - envelope_overhead);
  Frame plaintext = Frame::with_size(ciphertext.size());
  // OpenSSL takes the tag through a pointer to mutable, and does not change it.
  std::array<std::byte, tag_size> tag{};
  std::copy_n(envelope.end() - static_cast<std::ptrdiff_t>(tag_size), tag_size, tag.begin());
  std::array<std::byte, 1> nothing{};
  const MutableBytes out = ciphertext.empty() ? MutableBytes(nothing) : plaintext.writable();
  int written = 0;
  int rest = 0;
  EVP_CIPHER_CTX* const context = decrypting_.get();
  const bool begun =
      EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, raw(envelope.first(nonce_size))) ==
          1 &&
      EVP_DecryptUpdate(context, raw(out), &written, raw(ciphertext), length_of(ciphertext)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_size), tag.data()) ==
          1;
  SSM_ASSERT(begun);
  //= ENC-022
  if (EVP_DecryptFinal_ex(context, raw(out) + written, &rest) != 1) {
    return Error(Errc::bad_tag);
  }
  return plaintext;
}

}  // namespace ssm::protocol
