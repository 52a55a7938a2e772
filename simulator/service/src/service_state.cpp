#include "ssm/service/service_state.hpp"

#include <utility>

namespace ssm::service {

ServiceState::ServiceState(ServiceOptions service_options, SecureRandom secure_random)
    : options(std::move(service_options)),
      random(std::move(secure_random)),
      sessions(random, options.session_limits),
      control_tokens(random, options.session_limits.token_lifetime) {
  random(paging_key);
}

void add_defaults(ServiceState& state, std::int64_t now_ms) {
  Credentials credentials;
  credentials.access_key_id = "test";
  credentials.secret_access_key = Secret("test");
  credentials.principal = iam_user("test");
  state.credentials.add(std::move(credentials));
  for (ManagedInstance& instance : default_instances(now_ms)) {
    state.instances.add(std::move(instance));
  }
}

}  // namespace ssm::service
