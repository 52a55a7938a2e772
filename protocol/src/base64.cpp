#include "ssm/protocol/base64.hpp"

#include <array>
#include <cstdint>

namespace ssm::protocol {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    digits[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}
constexpr std::array<std::uint8_t, 256> digit_of = make_digits();

Error malformed(std::size_t offset) {
  return {Errc::malformed_field, offset, "expected padded standard base64"};
}

}  // namespace

std::string encode_base64(Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes = bytes.subspan(bytes.size() < 3 ? bytes.size() : 3)) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8U) | (i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t digit = (group >> (18U - 6U * i)) & 0x3FU;
      out += i <= bytes.size() ? alphabet[digit] : '=';
    }
  }
  return out;
}

Result<std::vector<std::byte>> decode_base64(std::string_view text) {
  std::vector<std::byte> out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  std::size_t digits = 0;   // of the group, padding included
  std::size_t padding = 0;  // of the text
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char character = text[at];
    if (character == '\r' || character == '\n') {
      continue;
    }
    const std::uint8_t digit = digit_of[static_cast<std::uint8_t>(character)];
    const bool is_padding = character == '=' && digits >= 2;
    const bool is_digit = digit != no_digit && padding == 0;
    if (!is_padding && !is_digit) {
      return malformed(at);
    }
    padding += is_padding ? 1 : 0;
    group = (group << 6U) | (is_padding ? 0U : digit);
    if (++digits < 4) {
      continue;
    }
    for (std::size_t i = 0; i + padding < 3; ++i) {
      out.push_back(static_cast<std::byte>((group >> (16U - 8U * i)) & 0xFFU));
    }
    digits = 0;
    group = 0;
  }
  if (digits != 0) {
    return malformed(text.size());
  }
  return out;
}

}  // namespace ssm::protocol
