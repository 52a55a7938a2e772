#include "ssm/service/router.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "detail/json_writer.hpp"
#include "detail/text.hpp"
#include "ssm/service/aws_error.hpp"

namespace ssm::service {
namespace {

using detail::JsonWriter;

constexpr std::string_view own_prefix = "/_ssmsim/";
constexpr std::string_view instances_prefix = "v1/instances/";
constexpr std::size_t max_listed_sessions = 1000;
constexpr std::string_view foreign_host =
    "The Host header must be a loopback address, localhost or an allowed name.";

/// `127.0.0.1:4580` to `127.0.0.1`, `[::1]:4580` to `[::1]`.
[[nodiscard]] std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    return close == std::string_view::npos ? std::string_view() : host.substr(0, close + 1);
  }
  return host.substr(0, host.find(':'));
}

/// Dotted quad 127.x.x.x; other spellings of the address are names to a browser.
[[nodiscard]] bool is_loopback_v4(std::string_view host) {
  int parts = 0;
  while (true) {
    const std::size_t dot = host.find('.');
    const std::string_view part = host.substr(0, dot);
    int value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    const bool number = error == std::errc{} && end == part.data() + part.size() &&
                        part.size() <= 3 && detail::is_digit(part.front());
    if (!number || value > 255 || (parts == 0 && value != 127)) {
      return false;
    }
    ++parts;
    if (dot == std::string_view::npos) {
      return parts == 4;
    }
    host.remove_prefix(dot + 1);
  }
}

[[nodiscard]] net::HttpResponse own_json(unsigned status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

[[nodiscard]] net::HttpResponse own_error(unsigned status, std::string_view message) {
  JsonWriter json;
  json.begin_object().key("error").string(message).end_object();
  return own_json(status, json.take());
}

[[nodiscard]] net::HttpResponse use_method(std::string_view method) {
  net::HttpResponse response = own_error(405, "Use " + std::string(method) + ".");
  response.headers.push_back({"Allow", std::string(method)});
  return response;
}

constexpr std::string_view agent_actions =
    "Actions are stop, start, crash, restart, stall, resume, offline and online.";

constexpr std::string_view implemented =
    "ssmsim answers: POST / with X-Amz-Target AmazonSSM.*; POST and WebSocket "
    "/v1/data-channel/<session id> and /v1/control-channel/<instance id>; GET /_ssmsim/health, "
    "/_ssmsim/v1/sessions and /_ssmsim/v1/instances; POST "
    "/_ssmsim/v1/instances/<instance id>/<action>.";

}  // namespace

bool is_cross_site(const net::HttpRequest& request) {
  return request.header("origin").has_value();
}

bool Router::is_local_host(const net::HttpRequest& request) const {
  const auto hosts = std::count_if(
      request.headers.begin(), request.headers.end(),
      [](const net::HttpHeader& h) { return detail::equals_ignoring_case(h.name, "host"); });
  if (hosts != 1) {
    return false;
  }
  const std::string_view host = without_port(detail::trim(*request.header("host")));
  return host == "[::1]" || detail::equals_ignoring_case(host, "localhost") ||
         is_loopback_v4(host) ||
         std::any_of(options_.allowed_hosts.begin(), options_.allowed_hosts.end(),
                     [host](const std::string& allowed) {
                       return !host.empty() && detail::equals_ignoring_case(allowed, host);
                     });
}

net::HttpResponse Router::refuse_cross_site() const {
  return render_json_error(
      {"AccessDeniedException",
       "Requests with an Origin header are refused: web pages must not reach this service.", 403,
       MessageMember::upper_case},
      random_uuid(state_.random));
}

std::optional<net::HttpResponse> Router::refuse_upgrade(const net::HttpRequest& request) const {
  if (is_cross_site(request)) {
    return refuse_cross_site();
  }
  if (!is_local_host(request)) {
    return own_error(403, foreign_host);
  }
  return std::nullopt;
}

net::HttpResponse Router::handle(const net::HttpRequest& request, std::int64_t now_ms) {
  if (is_cross_site(request)) {
    return refuse_cross_site();
  }
  const std::string_view path = request.path();
  if (path.starts_with(own_prefix)) {
    if (!is_local_host(request)) {
      return own_error(403, foreign_host);
    }
    return own_api(request);
  }
  if (path.starts_with("/v1/data-channel/") || path.starts_with("/v1/control-channel/")) {
    return mgs_.handle(request, now_ms);
  }
  const auto target = request.header("x-amz-target");
  //= SVC-001
  if (request.method == "POST" && target &&
      detail::trim(*target).starts_with(SsmApi::target_prefix)) {
    return ssm_.handle(request, now_ms);
  }
  std::string message =
      target ? "No part of ssmsim implements '" + detail::excerpt(*target, 128) + "'. "
             : "No part of ssmsim implements " + detail::excerpt(request.method, 16) + " " +
                   detail::excerpt(path, 128) + ". ";
  message += implemented;
  return render_json_error(
      {"UnknownOperationException", std::move(message),
       target && request.method == "POST" ? 400U : 404U, MessageMember::lower_case},
      random_uuid(state_.random));
}

net::HttpResponse Router::own_api(const net::HttpRequest& request) {
  const std::string_view path = request.path().substr(own_prefix.size());
  if (path.starts_with(instances_prefix)) {
    return one_instance(request, path.substr(instances_prefix.size()));
  }
  const bool known = path == "health" || path == "v1/sessions" || path == "v1/instances";
  if (!known) {
    return own_error(404, implemented);
  }
  if (request.method != "GET") {
    return use_method("GET");
  }
  if (path == "v1/sessions") {
    return own_json(200, sessions_json());
  }
  if (path == "v1/instances") {
    return own_json(200, instances_json());
  }
  const auto& instances = state_.instances.all();
  const auto online = std::count_if(instances.begin(), instances.end(),
                                    [](const ManagedInstance& i) { return i.online; });
  JsonWriter json;
  json.begin_object();
  json.key("status").string("ok");
  json.key("active_sessions").number(static_cast<std::int64_t>(state_.sessions.active_count()));
  json.key("online_instances").number(online);
  json.end_object();
  return own_json(200, json.take());
}

std::string Router::sessions_json() const {
  JsonWriter json;
  json.begin_object().key("sessions").begin_array();
  std::size_t listed = 0;
  bool truncated = false;
  const auto visit = [&](const Session& session) {
    if (listed == max_listed_sessions) {
      truncated = true;
      return false;
    }
    ++listed;
    json.begin_object();
    json.key("id").string(session.id);
    json.key("target").string(session.target);
    json.key("status").string(to_text(session.status));
    json.key("document").string(session.document_name);
    json.key("owner").string(session.owner.arn);
    json.key("reason").string(session.reason);
    json.key("details").string(session.details);
    json.key("started_unix_ms").number(session.started_ms);
    if (session.ended_ms) {
      json.key("ended_unix_ms").number(*session.ended_ms);
    }
    json.end_object();
    return true;
  };
  state_.sessions.visit_active(visit);
  if (!truncated) {
    state_.sessions.visit_history(visit);
  }
  json.end_array().key("truncated").boolean(truncated).end_object();
  return json.take();
}

/// `<id>` or `<id>/<action>`.
net::HttpResponse Router::one_instance(const net::HttpRequest& request, std::string_view path) {
  const std::size_t slash = path.find('/');
  const std::string id = detail::percent_decode(path.substr(0, slash), false);
  if (state_.instances.find(id) == nullptr) {
    return own_error(404, "There is no instance '" + detail::excerpt(id, 128) +
                              "'. GET /_ssmsim/v1/instances lists them.");
  }
  if (slash == std::string_view::npos) {
    return request.method == "GET" ? own_json(200, instance_json(id)) : use_method("GET");
  }
  const std::string_view text = path.substr(slash + 1);
  const auto action = parse_agent_action(text);
  if (!action) {
    return own_error(
        404, "'" + detail::excerpt(text, 64) + "' is no action. " + std::string(agent_actions));
  }
  if (request.method != "POST") {
    return use_method("POST");
  }
  if (control_ == nullptr) {
    return own_error(409, "This server commands no agents.");
  }
  if (const auto refusal = control_->command(id, *action)) {
    return own_error(409, *refusal);
  }
  return own_json(200, instance_json(id));
}

namespace {

[[nodiscard]] std::map<std::string_view, std::int64_t> sessions_by_target(
    const SessionStore& sessions) {
  std::map<std::string_view, std::int64_t> counts;
  sessions.visit_active([&counts](const Session& session) {
    ++counts[session.target];
    return true;
  });
  return counts;
}

void write_instance(JsonWriter& json, const ManagedInstance& instance,
                    const InstanceControl* control, std::int64_t sessions) {
  json.begin_object();
  json.key("id").string(instance.id);
  json.key("online").boolean(instance.online);
  json.key("agent").string(name(instance.agent));
  if (control != nullptr) {
    json.key("state").string(control->agent_state(instance.id));
  }
  json.key("agent_profile").string(instance.agent_profile);
  json.key("agent_version").string(instance.agent_version);
  json.key("platform_type").string(instance.platform_type);
  json.key("active_sessions").number(sessions);
  json.key("last_ping_unix_ms").number(instance.last_ping_ms);
  json.end_object();
}

}  // namespace

std::string Router::instances_json() const {
  const auto sessions = sessions_by_target(state_.sessions);
  JsonWriter json;
  json.begin_object().key("instances").begin_array();
  for (const ManagedInstance& instance : state_.instances.all()) {
    const auto found = sessions.find(instance.id);
    write_instance(json, instance, control_, found == sessions.end() ? 0 : found->second);
  }
  json.end_array().end_object();
  return json.take();
}

std::string Router::instance_json(const std::string& id) const {
  auto sessions = sessions_by_target(state_.sessions);
  JsonWriter json;
  write_instance(json, *state_.instances.find(id), control_, sessions[id]);
  return json.take();
}

}  // namespace ssm::service
