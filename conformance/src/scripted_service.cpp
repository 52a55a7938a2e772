#include "scripted_service.hpp"

#include <fmt/format.h>

#include <utility>

#include "ssm/protocol/open_data_channel.hpp"
#include "ssm/service/documents.hpp"

namespace ssm::conformance {
namespace {

constexpr std::string_view target = "i-123456789";
constexpr std::string_view region = "us-east-1";

}  // namespace

ScriptedService::ScriptedService(net::EventLoop& loop, Handlers handlers)
    : loop_(loop),
      handlers_(std::move(handlers)),
      state_(service::ServiceOptions{.region = {}}),
      ssm_(state_, *this),
      mgs_(state_),
      router_(state_, ssm_, mgs_) {}

ScriptedService::~ScriptedService() = default;

protocol::Result<> ScriptedService::start() {
  service::add_defaults(state_, net::EventLoop::unix_ms());
  auto http =
      net::HttpServer::listen(loop_, {},
                              {.on_request =
                                   [this](const net::HttpRequest& request,
                                          const std::function<void(net::HttpResponse)>& respond) {
                                     respond(router_.handle(request, net::EventLoop::unix_ms()));
                                   },
                               .on_upgrade =
                                   [this](const net::HttpRequest& request, net::Upgrade upgrade) {
                                     upgrade_requested(request, std::move(upgrade));
                                   }});
  if (!http) {
    return http.error();
  }
  http_.emplace(std::move(*http));
  prepare_session();
  return {};
}

void ScriptedService::prepare_session() {
  const std::int64_t now_ms = net::EventLoop::unix_ms();
  const service::Session* created =
      state_.sessions.create({.owner = service::iam_user("test"),
                              .target = std::string(target),
                              .document_name = std::string(service::default_document_name),
                              .reason = {},
                              .parameters = {}},
                             now_ms);
  const std::string authority = fmt::format("127.0.0.1:{}", http_->port());
  session_ = {.endpoint = "http://" + authority,
              .stream_url = fmt::format("ws://{}/v1/data-channel/{}?role=publish_subscribe",
                                        authority, created->id),
              .token = state_.sessions.issue_client_token(created->id, now_ms)->reveal(),
              .session_id = created->id,
              .target = std::string(target),
              .region = std::string(region)};
}

void ScriptedService::upgrade_requested(const net::HttpRequest& request, net::Upgrade upgrade) {
  const auto id = service::data_channel_session(request.path());
  if (const auto refusal = router_.refuse_upgrade(request)) {
    upgrade.refuse(*refusal);
  } else if (!id || state_.sessions.find(*id) == nullptr || has_socket_) {
    // A case speaks over one connection: a second one would be a resumption, which is not scripted.
    upgrade.refuse({.status = 404, .headers = {}, .body = "There is no such data channel here.\n"});
    if (!has_socket_) {
      refuse(fmt::format("it asked for {}, which is no data channel of its session",
                         std::string(request.target)));
    }
  } else {
    has_socket_ = true;
    upgrade.accept(
        {}, [this, session = *id](net::WebSocket socket) { accepted(std::move(socket), session); });
  }
}

void ScriptedService::accepted(net::WebSocket socket, std::string session_id) {
  socket_ = std::move(socket);
  socket_session_ = std::move(session_id);
  socket_.start({
      .on_message =
          [this](protocol::Frame frame, bool is_text) {
            if (open_) {
              handlers_.on_message(std::move(frame), is_text);
            } else {
              first_frame(frame);
            }
          },
      .on_end = [this](const net::WebSocketEnd& end) { handlers_.on_end(end); },
      .on_writable = {},
      .on_ping = {},
      .on_pong = {},
  });
}

void ScriptedService::first_frame(const protocol::Frame& frame) {
  const auto open = protocol::parse_open_data_channel(frame.bytes());
  if (!open) {
    refuse("its first frame is not an OpenDataChannelInput: " + open.error().to_string());
    return;
  }
  const service::TokenVerdict verdict = state_.sessions.accept_client_token(
      socket_session_, open->token_value, net::EventLoop::unix_ms());
  if (verdict != service::TokenVerdict::ok) {
    refuse(fmt::format("the token in its first frame is refused: {}", to_text(verdict)));
    return;
  }
  open_ = true;
  handlers_.on_open();
}

void ScriptedService::refuse(std::string why) {
  handlers_.on_refused(std::move(why));
}

void ScriptedService::session_started(const service::Session& /*session*/,
                                      std::int64_t /*now_ms*/) {
  handlers_.on_call("StartSession");
}

void ScriptedService::session_resumed(const service::Session& /*session*/,
                                      std::int64_t /*now_ms*/) {
  handlers_.on_call("ResumeSession");
}

void ScriptedService::session_terminated(const service::Session& /*session*/,
                                         std::int64_t /*now_ms*/) {
  handlers_.on_call("TerminateSession");
}

}  // namespace ssm::conformance
