#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/service/secret.hpp"
#include "ssm/service/secure_random.hpp"
#include "ssm/service/session_store.hpp"

namespace ssm::service {

/// Tokens of CreateControlChannel by instance id, whether or not that instance is known. Kept as
/// SHA-256 digests, compared in constant time, each good for one connection within its lifetime.
/// Not thread-safe.
class ControlTokens {
 public:
  /// Instances with tokens at one time; callers choose the ids.
  static constexpr std::size_t max_instances = 20000;

  ControlTokens(SecureRandom random, std::chrono::milliseconds lifetime)
      : random_(std::move(random)), lifetime_(lifetime) {}

  /// nullopt if `max_instances` other ids have unused tokens.
  [[nodiscard]] std::optional<Secret> issue(std::string_view instance_id, std::int64_t now_ms);
  /// Uses the token up if the verdict is ok.
  [[nodiscard]] TokenVerdict accept(std::string_view instance_id, std::string_view token,
                                    std::int64_t now_ms);

 private:
  struct Token {
    std::array<std::byte, 32> digest{};
    std::int64_t expires_ms = 0;
  };
  void forget_expired(std::int64_t now_ms);

  SecureRandom random_;
  std::chrono::milliseconds lifetime_;
  std::map<std::string, std::vector<Token>, std::less<>> by_instance_;
};

}  // namespace ssm::service
