#include "ssm/sim/client_node.hpp"

#include <utility>
#include <variant>

#include "detail/key_service.hpp"
#include "ssm/sim/service_node.hpp"

namespace ssm::sim {

ClientNode::ClientNode(World world, protocol::ClientConfig config, Application& application,
                       Began began)
    : EndNode(world, Side::client, application),
      began_(began),
      profile_(config.profile),
      role_(std::move(config)) {
  chunk_bytes_ = profile_.chunk_bytes;
  send_pause_ = profile_.send_pause;
}

void ClientNode::start() {
  role_.start(now());
  pump();
}

void ClientNode::role_pong(Instant now) {
  role_.pong_received(now);
}

void ClientNode::role_send(const Chunk& chunk, Instant now) {
  role_.send_stream(chunk.type, chunk.data, now);
}

void ClientNode::application_finished(const Finished& /*finished*/, Instant /*now*/) {}

bool ClientNode::advance_once(Instant /*now*/) {
  if (std::optional<protocol::ClientOutput> output = role_.poll_output()) {
    std::visit([this](auto& one) { perform(one); }, *output);
    return true;
  }
  if (const std::optional<protocol::ClientEvent> event = role_.poll_event()) {
    std::visit([this](const auto& one) { handle(one); }, *event);
    return true;
  }
  return false;
}

void ClientNode::check(Verdicts& verdicts) {
  check_windows(role_.status(), profile_.channel, verdicts);
}

void ClientNode::perform(const protocol::OpenConnection& /*output*/) {
  connect();
}

void ClientNode::perform(const protocol::DropConnection& /*output*/) {
  drop();
}

void ClientNode::perform(protocol::SendText& output) {
  send({.kind = Packet::Kind::text,
        .frame = protocol::Frame::copy_of(protocol::as_bytes(output.text))});
}

void ClientNode::perform(protocol::SendBinary& output) {
  send({.kind = Packet::Kind::binary, .frame = std::move(output.frame)});
}

void ClientNode::perform(const protocol::SendPing& /*output*/) {
  send({.kind = Packet::Kind::ping});
}

void ClientNode::perform(const protocol::RequestResume& /*output*/) {
  world().service.call(Side::client, fault::Operation::resume_session,
                       [this](const ApiReply& reply) {
                         if (reply.ok) {
                           role_.resume_answered(reply.token, reply.stream_url, now());
                         } else {
                           role_.resume_failed(reply.error, now());
                         }
                         pump();
                       });
}

void ClientNode::perform(const protocol::RequestTerminate& /*output*/) {
  world().service.call(Side::client, fault::Operation::terminate_session, [](const ApiReply&) {});
}

void ClientNode::perform(const protocol::GenerateDataKey& output) {
  const std::string encrypted = detail::encrypted_data_key(output.key_id, output.context);
  role_.data_key_generated(detail::plain_data_key(encrypted), protocol::as_bytes(encrypted), now());
}

void ClientNode::handle(const protocol::SessionStarted& event) {
  application().started({.peer_version = event.agent_version}, now());
}

void ClientNode::handle(const protocol::OutputReceived& event) {
  deliver(event.type, event.data);
}

void ClientNode::handle(const protocol::CustomerMessage& event) {
  note("message: " + event.text);
}

void ClientNode::handle(const protocol::ConnectionInterrupted& event) {
  note("interrupted: " + event.detail);
}

void ClientNode::handle(const protocol::ConnectionRestored& /*event*/) {
  note("restored");
}

void ClientNode::handle(const protocol::InputPossible& /*event*/) {}

void ClientNode::handle(const protocol::ClientEnded& event) {
  set_ended(std::string(protocol::name(event.reason)), event.text,
            event.reason == protocol::ClientEnd::channel_closed && event.text.empty());
  if (event.reason == protocol::ClientEnd::stream_gap && began_ == Began::yes) {
    perform(protocol::RequestTerminate{});
  }
  drop();
}

}  // namespace ssm::sim
