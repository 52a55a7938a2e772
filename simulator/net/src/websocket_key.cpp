#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>

#include "detail/websocket_factory.hpp"

namespace ssm::net::detail {

namespace {

std::string base64(const unsigned char* bytes, std::size_t size) {
  // EVP_EncodeBlock ends its text with a zero byte.
  std::string text((size + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  SSM_ASSERT(done == 1);
  return base64(digest.data(), size);
}

std::string websocket_key() {
  std::random_device random;
  std::array<unsigned char, 16> nonce{};
  for (unsigned char& byte : nonce) {
    byte = static_cast<unsigned char>(random() & 0xFFU);
  }
  return base64(nonce.data(), nonce.size());
}

}  // namespace ssm::net::detail
