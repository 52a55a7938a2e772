#include "detail/crypto.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/sha256.hpp"

namespace ssm::service::detail {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += hex_digits[std::to_integer<std::size_t>(byte >> 4)];
    text += hex_digits[std::to_integer<std::size_t>(byte & std::byte{0x0F})];
  }
  return text;
}

std::string sha256_hex(std::string_view data) {
  return to_hex(protocol::sha256(protocol::as_bytes(data)));
}

Mac hmac_sha256(std::span<const std::byte> key, std::string_view data) {
  Mac mac{};
  unsigned size = 0;
  const auto* result = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                            reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                            reinterpret_cast<unsigned char*>(mac.data()), &size);
  SSM_ASSERT(result != nullptr && size == mac.size());
  return mac;
}

std::string to_base64url(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  unsigned bits = 0;
  unsigned count = 0;
  for (const std::byte byte : bytes) {
    bits = (bits << 8U) | std::to_integer<unsigned>(byte);
    count += 8;
    while (count >= 6) {
      count -= 6;
      text += base64url_digits[(bits >> count) & 0x3FU];
    }
  }
  if (count > 0) {
    text += base64url_digits[(bits << (6 - count)) & 0x3FU];
  }
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::size_t digit = base64url_digits.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = ((bits << 6U) | static_cast<unsigned>(digit)) & 0xFFFFU;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>((bits >> count) & 0xFFU);
    }
  }
  if (count >= 6 || (bits & ((1U << count) - 1U)) != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace ssm::service::detail
