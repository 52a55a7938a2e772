#include "ssm/host/server.hpp"

#include <optional>
#include <utility>

#include "agents.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/service/mgs_api.hpp"
#include "ssm/service/router.hpp"
#include "ssm/service/secure_random.hpp"
#include "ssm/service/sigv4.hpp"
#include "ssm/service/ssm_api.hpp"

namespace ssm::host {
namespace {

/// The agents' own credentials: made anew in each process, known to nobody else.
service::Credentials agent_credentials(const service::SecureRandom& random) {
  return {.access_key_id = "AGENT" + service::random_lower_alnum(random, 15),
          .secret_access_key = service::random_token(random),
          .session_token = std::nullopt,
          .expires_ms = std::nullopt,
          .principal = service::iam_user("ssmsim-embedded-agent")};
}

bool is_ipv6(const std::string& host) {
  return host.find(':') != std::string::npos;
}

}  // namespace

class Server::Impl {
 public:
  Impl(net::EventLoop& loop, ServerOptions options)
      : options_(std::move(options)),
        state_(options_.service),
        gateway_(loop, state_, options_.gateway, options_.faults),
        ssm_(state_, gateway_),
        mgs_(state_),
        router_(state_, ssm_, mgs_),
        agents_(loop, state_,
                [this](const std::string& id, service::TaskOutcome outcome,
                       const std::string& text) { gateway_.task_complete(id, outcome, text); }) {}

  ~Impl() { gateway_.set_agents(nullptr); }

  protocol::Result<> start(net::EventLoop& loop) {
    service::add_defaults(state_, net::EventLoop::unix_ms());
    auto http = net::HttpServer::listen(
        loop, options_.http,
        {.on_request =
             [this](net::HttpRequest request,
                    const std::function<void(net::HttpResponse)>& respond) {
               respond(router_.handle(request, net::EventLoop::unix_ms()));
             },
         .on_upgrade =
             [this](const net::HttpRequest& request, net::Upgrade upgrade) {
               if (const auto refusal = router_.refuse_upgrade(request)) {
                 upgrade.refuse(*refusal);
               } else if (service::control_channel_instance(request.path())) {
                 agents_.control_channels().handle_upgrade(request, std::move(upgrade), mgs_);
               } else {
                 gateway_.handle_upgrade(request, std::move(upgrade), mgs_);
               }
             }});
    if (!http) {
      return http.error();
    }
    http_.emplace(std::move(*http));
    const std::string& host = options_.http.host;
    endpoint_ =
        "http://" + (is_ipv6(host) ? "[" + host + "]" : host) + ":" + std::to_string(http_->port());
    return add_agents();
  }

  protocol::Result<> add_agents() {
    const protocol::Result<net::Url> url = net::Url::parse(endpoint_);
    if (!url) {
      return url.error();
    }
    const service::Credentials credentials = agent_credentials(state_.random);
    state_.credentials.add(credentials);
    const std::string region =
        options_.service.region.empty() ? "us-east-1" : options_.service.region;
    for (const auto& [id, profile] : options_.agents) {
      if (state_.instances.find(id) == nullptr) {
        service::ManagedInstance instance;
        instance.id = id;
        instance.computer_name = id + ".ssmsim.test";
        instance.registered_ms = net::EventLoop::unix_ms();
        state_.instances.add(std::move(instance));
      }
    }
    for (const service::ManagedInstance& instance : state_.instances.all()) {
      const auto own = options_.agents.find(instance.id);
      agents_.add({.endpoint = *url,
                   .instance_id = instance.id,
                   .profile = own == options_.agents.end() ? options_.agent_profile : own->second,
                   .shell = options_.shell,
                   .sign =
                       [credentials, region](net::HttpRequest& request, std::string_view name) {
                         service::sign_request(request, credentials,
                                               {.region = region,
                                                .service = std::string(name),
                                                .now_ms = net::EventLoop::unix_ms()});
                       },
                   .seed = service::random_seed(state_.random),
                   .script = options_.shell_script
                                 ? std::optional(options_.shell_script(instance.id))
                                 : std::nullopt});
    }
    gateway_.set_agents(&agents_);
    router_.set_instance_control(&agents_);
    return {};
  }

  ServerOptions options_;
  service::ServiceState state_;
  service::Gateway gateway_;
  service::SsmApi ssm_;
  service::MgsApi mgs_;
  service::Router router_;
  Agents agents_;
  std::string endpoint_;
  std::optional<net::HttpServer> http_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

protocol::Result<std::unique_ptr<Server>> Server::start(net::EventLoop& loop,
                                                        ServerOptions options) {
  auto impl = std::make_unique<Impl>(loop, std::move(options));
  if (protocol::Result<> started = impl->start(loop); !started) {
    return started.error();
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::string& Server::endpoint() const {
  return impl_->endpoint_;
}
std::uint16_t Server::port() const {
  return impl_->http_->port();
}
service::ServiceState& Server::state() {
  return impl_->state_;
}
service::Gateway& Server::gateway() {
  return impl_->gateway_;
}
std::size_t Server::agent_sessions() const {
  return impl_->agents_.sessions();
}

}  // namespace ssm::host
