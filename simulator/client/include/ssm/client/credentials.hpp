#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

#include "ssm/client/aws_environment.hpp"

namespace ssm::client {

/// Keys to sign API calls with. Never printed.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  /// Temporary credentials only.
  std::string session_token;
};

/// Why there are no credentials, for people: what was looked at, and what to do.
struct NoCredentials {
  std::string reason;
};

using CredentialsResult = boost::system::result<Credentials, NoCredentials>;

/// The credentials that the AWS CLI would use, as far as they are plain keys:
/// those of `profile` when it is named, else AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN, else those of the profile AWS_PROFILE or `default`. Profiles are read from
/// AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config).
///
/// Programs, single sign-on and assumed roles are not run; the reason then says so.
[[nodiscard]] CredentialsResult find_credentials(std::string_view profile,
                                                 const Environment& environment);

}  // namespace ssm::client
