#include "ssm/service/control_tokens.hpp"

#include <openssl/crypto.h>

#include <utility>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/sha256.hpp"

namespace ssm::service {
namespace {

/// An agent that asks again and again must not grow its entry.
constexpr std::size_t max_tokens = 8;

}  // namespace

std::optional<Secret> ControlTokens::issue(std::string_view instance_id, std::int64_t now_ms) {
  auto found = by_instance_.find(instance_id);
  if (found == by_instance_.end()) {
    if (by_instance_.size() >= max_instances) {
      forget_expired(now_ms);
    }
    if (by_instance_.size() >= max_instances) {
      return std::nullopt;
    }
    found = by_instance_.emplace(std::string(instance_id), std::vector<Token>()).first;
  }
  std::vector<Token>& tokens = found->second;
  if (tokens.size() == max_tokens) {
    tokens.erase(tokens.begin());
  }
  Secret token = random_token(random_);
  tokens.push_back(
      {protocol::sha256(protocol::as_bytes(token.reveal())), now_ms + lifetime_.count()});
  return token;
}

TokenVerdict ControlTokens::accept(std::string_view instance_id, std::string_view token,
                                   std::int64_t now_ms) {
  const auto found = by_instance_.find(instance_id);
  if (found == by_instance_.end()) {
    return TokenVerdict::wrong;
  }
  const auto digest = protocol::sha256(protocol::as_bytes(token));
  std::vector<Token>& tokens = found->second;
  auto match = tokens.end();
  for (auto one = tokens.begin(); one != tokens.end(); ++one) {
    if (CRYPTO_memcmp(one->digest.data(), digest.data(), digest.size()) == 0) {
      match = one;
    }
  }
  if (match == tokens.end()) {
    return TokenVerdict::wrong;
  }
  const bool expired = now_ms >= match->expires_ms;
  tokens.erase(match);
  if (tokens.empty()) {
    by_instance_.erase(found);
  }
  return expired ? TokenVerdict::expired : TokenVerdict::ok;
}

void ControlTokens::forget_expired(std::int64_t now_ms) {
  std::erase_if(by_instance_,
                [now_ms](const auto& entry) { return entry.second.back().expires_ms <= now_ms; });
}

}  // namespace ssm::service
