#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ssm::conformance {

/// What a client has to know about the session prepared for it.
struct SessionForClient {
  std::string endpoint;  ///< `http://127.0.0.1:40123`
  std::string stream_url;
  std::string token;
  std::string session_id;
  std::string target;
  std::string region;
};

/// The words with the placeholders replaced. Braces around anything else stay, so that JSON can be
/// given.
[[nodiscard]] std::vector<std::string> expand(const std::vector<std::string>& words,
                                              const SessionForClient& session);

/// `own` with SSMSIM_ENDPOINT and so on, credentials, region and endpoint for AWS clients, and no
/// proxy for loopback; without what would lead such clients elsewhere.
[[nodiscard]] std::vector<std::string> client_environment(const std::vector<std::string>& own,
                                                          const SessionForClient& session);

}  // namespace ssm::conformance
