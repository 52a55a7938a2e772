#include "ssm/service/secure_random.hpp"

#include <openssl/rand.h>

#include <array>

#include "detail/crypto.hpp"
#include "ssm/protocol/assert.hpp"

namespace ssm::service {

SecureRandom system_secure_random() {
  return [](std::span<std::byte> out) {
    const int filled =
        RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    SSM_ASSERT(filled == 1);
  };
}

Secret random_token(const SecureRandom& random) {
  std::array<std::byte, 32> bytes{};
  random(bytes);
  return Secret(detail::to_base64url(bytes));
}

std::uint64_t random_seed(const SecureRandom& random) {
  std::uint64_t seed = 0;
  random(std::as_writable_bytes(std::span(&seed, 1)));
  return seed;
}

std::string random_uuid(const SecureRandom& random) {
  std::array<std::byte, 16> bytes{};
  random(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  std::string text = detail::to_hex(bytes);
  for (const std::size_t hyphen : {8U, 13U, 18U, 23U}) {
    text.insert(hyphen, 1, '-');
  }
  return text;
}

std::string random_lower_alnum(const SecureRandom& random, std::size_t length) {
  constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz0123456789";
  // 252 is the largest multiple of 36 in a byte; the bytes above it would favour some digits.
  constexpr unsigned usable = 252;
  std::string text;
  text.reserve(length);
  std::array<std::byte, 32> bytes{};
  while (text.size() < length) {
    random(bytes);
    for (const std::byte byte : bytes) {
      const auto value = std::to_integer<unsigned>(byte);
      if (value < usable && text.size() < length) {
        text += digits[value % digits.size()];
      }
    }
  }
  return text;
}

}  // namespace ssm::service
