#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "ssm/service/secret.hpp"

namespace ssm::service {

/// Fills the span with random bytes fit for secrets. Injected, so that tests are repeatable.
using SecureRandom = std::function<void(std::span<std::byte>)>;

/// OpenSSL's generator. Aborts if the system has no entropy: a guessable token is worse.
[[nodiscard]] SecureRandom system_secure_random();

/// 32 random bytes in base64url without padding: 43 characters of A-Za-z0-9_-.
[[nodiscard]] Secret random_token(const SecureRandom& random);
/// For a generator of numbers that are no secrets (protocol::Random).
[[nodiscard]] std::uint64_t random_seed(const SecureRandom& random);
/// A version 4 UUID as lower-case hyphenated text.
[[nodiscard]] std::string random_uuid(const SecureRandom& random);
/// `length` characters of a-z0-9, each equally likely.
[[nodiscard]] std::string random_lower_alnum(const SecureRandom& random, std::size_t length);

}  // namespace ssm::service
