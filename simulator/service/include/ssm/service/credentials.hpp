#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/service/secret.hpp"

namespace ssm::service {

/// Who a signed request comes from.
struct Principal {
  std::string account_id = "123456789012";
  /// `arn:aws:iam::123456789012:user/alice` or `arn:aws:sts::...:assumed-role/role/session`.
  std::string arn;
  /// IAM user name or role session name; session ids begin with it.
  std::string user_name;
  /// The value of `aws:userid`.
  std::string user_id;
};

/// `arn:aws:iam::<account>:user/<name>` with a user id made from the name.
[[nodiscard]] Principal iam_user(std::string_view name,
                                 std::string_view account_id = "123456789012");

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  /// Temporary credentials only: requests must carry exactly this X-Amz-Security-Token.
  std::optional<Secret> session_token;
  /// Temporary credentials only: refused from this time on (milliseconds since the Unix epoch).
  std::optional<std::int64_t> expires_ms;
  Principal principal;
};

/// The credentials that the service knows, by access key id. Not thread-safe.
class CredentialStore {
 public:
  /// Replaces credentials of the same access key id.
  void add(Credentials credentials);
  bool remove(std::string_view access_key_id);
  /// Valid until that key is removed or replaced; nullptr if unknown.
  [[nodiscard]] const Credentials* find(std::string_view access_key_id) const;
  [[nodiscard]] std::size_t size() const { return by_access_key_.size(); }

 private:
  std::map<std::string, Credentials, std::less<>> by_access_key_;
};

}  // namespace ssm::service
