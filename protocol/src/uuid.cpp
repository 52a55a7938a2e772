#include "ssm/protocol/uuid.hpp"

#include <cstdint>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {
namespace {

constexpr std::size_t text_size = 36;

constexpr bool hyphen_at(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

// -1 for a character that is no hexadecimal digit.
int digit_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

}  // namespace

Uuid Uuid::random_v4(Random& random) {
  Uuid uuid;
  store_big_endian(uuid.bytes, 0, random.next());
  store_big_endian(uuid.bytes, 8, random.next());
  uuid.bytes[6] = (uuid.bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  uuid.bytes[8] = (uuid.bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  return uuid;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != text_size) {
    return Error(Errc::malformed_uuid, 0,
                 "expected 36 characters, seen " + std::to_string(text.size()));
  }
  Uuid uuid;
  std::size_t out = 0;
  for (std::size_t i = 0; i < text_size;) {
    if (hyphen_at(i)) {
      if (text[i] != '-') {
        return Error(Errc::malformed_uuid, i, "expected a hyphen");
      }
      ++i;
      continue;
    }
    const int high = digit_value(text[i]);
    const int low = digit_value(text[i + 1]);
    if (high < 0 || low < 0) {
      return Error(Errc::malformed_uuid, high < 0 ? i : i + 1, "expected a hexadecimal digit");
    }
    uuid.bytes[out++] = static_cast<std::byte>(high * 16 + low);
    i += 2;
  }
  return uuid;
}

bool Uuid::is_nil() const {
  return *this == Uuid{};
}

void Uuid::write_text(char* out) const {
  static constexpr char digits[] = "0123456789abcdef";
  std::size_t in = 0;
  for (std::size_t i = 0; i < text_size;) {
    if (hyphen_at(i)) {
      out[i++] = '-';
      continue;
    }
    const auto value = std::to_integer<unsigned>(bytes[in++]);
    out[i++] = digits[value >> 4U];
    out[i++] = digits[value & 0xFU];
  }
}

std::string Uuid::to_string() const {
  std::string text(text_size, '\0');
  write_text(text.data());
  return text;
}

}  // namespace ssm::protocol
