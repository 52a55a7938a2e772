#include "signer.hpp"

#include <utility>

#include "ssm/net/event_loop.hpp"
#include "ssm/service/sigv4.hpp"

namespace ssmsim {

ssm::client::Signer make_signer(const ssm::client::Credentials& credentials, std::string region) {
  ssm::service::Credentials keys;
  keys.access_key_id = credentials.access_key_id;
  keys.secret_access_key = ssm::service::Secret(credentials.secret_access_key);
  if (!credentials.session_token.empty()) {
    keys.session_token = ssm::service::Secret(credentials.session_token);
  }
  return [keys = std::move(keys), region = std::move(region)](ssm::net::HttpRequest& request,
                                                              std::string_view aws_service) {
    ssm::service::sign_request(request, keys,
                               {.region = region,
                                .service = std::string(aws_service),
                                .now_ms = ssm::net::EventLoop::unix_ms()});
  };
}

}  // namespace ssmsim
