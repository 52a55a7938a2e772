#include "detail/paging.hpp"

#include <array>

#include "detail/crypto.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/service/secret.hpp"

namespace ssm::service::detail {
namespace {

constexpr std::size_t position_size = 8;

[[nodiscard]] std::string token_bytes(std::span<const std::byte> key, std::string_view query,
                                      std::uint64_t position) {
  std::array<std::byte, position_size> big_endian{};
  protocol::store_big_endian(big_endian, 0, position);
  std::string bytes(protocol::as_text(big_endian));
  const Mac mac = hmac_sha256(key, bytes + std::string(query));
  bytes += protocol::as_text(mac);
  return bytes;
}

}  // namespace

std::string make_page_token(std::span<const std::byte> key, std::string_view query,
                            std::uint64_t position) {
  return to_base64url(protocol::as_bytes(token_bytes(key, query, position)));
}

std::optional<std::uint64_t> read_page_token(std::span<const std::byte> key, std::string_view query,
                                             std::string_view token) {
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < position_size) {
    return std::nullopt;
  }
  const auto position = protocol::load_big_endian<std::uint64_t>(protocol::as_bytes(*bytes), 0);
  if (!constant_time_equal(*bytes, token_bytes(key, query, position))) {
    return std::nullopt;
  }
  return position;
}

}  // namespace ssm::service::detail
