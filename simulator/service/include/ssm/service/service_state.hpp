#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "ssm/service/control_tokens.hpp"
#include "ssm/service/credentials.hpp"
#include "ssm/service/documents.hpp"
#include "ssm/service/instances.hpp"
#include "ssm/service/secure_random.hpp"
#include "ssm/service/session_store.hpp"

namespace ssm::service {

struct ServiceOptions {
  /// Region that signatures must be scoped to; empty accepts any.
  std::string region = "us-east-1";
  /// Scheme and authority of StreamUrls, e.g. `wss://simulator.example:4580`. Empty: built from
  /// the Host header of each request, with `stream_scheme`.
  std::string stream_url_base{};
  std::string stream_scheme = "ws";
  SessionLimits session_limits{};
};

/// What the parts of the service share. One per server, on the loop's thread.
struct ServiceState {
  explicit ServiceState(ServiceOptions service_options,
                        SecureRandom secure_random = system_secure_random());
  ServiceState(const ServiceState&) = delete;
  ServiceState& operator=(const ServiceState&) = delete;

  ServiceOptions options;
  SecureRandom random;
  CredentialStore credentials;
  SessionStore sessions;
  ControlTokens control_tokens;
  InstanceRegistry instances;
  /// Instances whose agents get no control channel at the moment.
  std::set<std::string, std::less<>> refused_agents;
  DocumentStore documents;
  /// Authenticates NextToken values; new in each process.
  std::array<std::byte, 32> paging_key{};
};

/// Credentials `test`/`test` (user `test`) and the default instances.
void add_defaults(ServiceState& state, std::int64_t now_ms);

}  // namespace ssm::service
