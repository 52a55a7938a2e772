#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/net/http.hpp"
#include "ssm/service/instance_control.hpp"
#include "ssm/service/mgs_api.hpp"
#include "ssm/service/service_state.hpp"
#include "ssm/service/ssm_api.hpp"

namespace ssm::service {

/// True if a web page made the browser send this: it carries an Origin header. No AWS client does.
/// Such requests are refused everywhere, upgrades included.
[[nodiscard]] bool is_cross_site(const net::HttpRequest& request);

struct RouterOptions {
  /// Names, besides loopback addresses and localhost, under which `/_ssmsim/` is served.
  /// Compared without letter case and port.
  std::vector<std::string> allowed_hosts;
};

/// Finds the part of the service that a request is for. Request in, response out; nothing throws.
/// On the loop's thread.
class Router {
 public:
  /// All three must outlive the object.
  Router(ServiceState& state, SsmApi& ssm, MgsApi& mgs, RouterOptions options = {})
      : state_(state), ssm_(ssm), mgs_(mgs), options_(std::move(options)) {}

  /// Must outlive the object. Without it no agent can be commanded, and none has a state.
  void set_instance_control(InstanceControl* control) { control_ = control; }

  /// Everything but WebSocket upgrades. `now_ms`: milliseconds since the Unix epoch.
  [[nodiscard]] net::HttpResponse handle(const net::HttpRequest& request, std::int64_t now_ms);

  /// The 403 for a WebSocket upgrade that a web page or a rebinding DNS name may have caused:
  /// `is_cross_site`, or not `is_local_host`. nullopt: let it go on.
  [[nodiscard]] std::optional<net::HttpResponse> refuse_upgrade(
      const net::HttpRequest& request) const;

  /// True if the Host header names this machine by a loopback address, localhost or an allowed
  /// name; a rebinding DNS name does not.
  [[nodiscard]] bool is_local_host(const net::HttpRequest& request) const;

 private:
  [[nodiscard]] net::HttpResponse refuse_cross_site() const;
  [[nodiscard]] net::HttpResponse own_api(const net::HttpRequest& request);
  [[nodiscard]] net::HttpResponse one_instance(const net::HttpRequest& request,
                                               std::string_view path);
  [[nodiscard]] std::string sessions_json() const;
  [[nodiscard]] std::string instances_json() const;
  [[nodiscard]] std::string instance_json(const std::string& id) const;

  ServiceState& state_;
  SsmApi& ssm_;
  MgsApi& mgs_;
  InstanceControl* control_ = nullptr;
  RouterOptions options_;
};

}  // namespace ssm::service
