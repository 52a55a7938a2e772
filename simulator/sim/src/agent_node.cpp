#include "ssm/sim/agent_node.hpp"

#include <utility>
#include <variant>

#include "detail/key_service.hpp"
#include "ssm/sim/service_node.hpp"

namespace ssm::sim {

AgentNode::AgentNode(World world, protocol::AgentConfig config, Application& application)
    : EndNode(world, Side::agent, application),
      profile_(config.profile),
      has_terminal_(config.session.session_type != "Port"),
      role_(std::move(config)),
      program_alarm_(world.scheduler, [this] {
        program_started_ = true;
        this->application().started(facts_, now());
        pump();
      }) {
  chunk_bytes_ = profile_.chunk_bytes;
  send_pause_ = profile_.send_pause;
}

void AgentNode::start() {
  role_.start(now());
  pump();
}

void AgentNode::role_send(const Chunk& chunk, Instant now) {
  role_.send_output(chunk.type, chunk.data, now);
}

void AgentNode::application_finished(const Finished& finished, Instant now) {
  if (finished.failed) {
    role_.fail(finished.text, now);
  } else {
    role_.finish(now);
  }
}

bool AgentNode::advance_once(Instant /*now*/) {
  if (std::optional<protocol::AgentOutput> output = role_.poll_output()) {
    std::visit([this](auto& one) { perform(one); }, *output);
    return true;
  }
  if (const std::optional<protocol::AgentEvent> event = role_.poll_event()) {
    std::visit([this](const auto& one) { handle(one); }, *event);
    return true;
  }
  return false;
}

void AgentNode::check(Verdicts& verdicts) {
  check_windows(role_.status(), profile_.channel, verdicts);
}

void AgentNode::perform(const protocol::RequestDataChannel& /*output*/) {
  world().service.call(Side::agent, fault::Operation::create_data_channel,
                       [this](const ApiReply& reply) {
                         if (reply.ok) {
                           role_.channel_created(reply.token, now());
                         } else {
                           role_.channel_refused(reply.error, now());
                         }
                         pump();
                       });
}

void AgentNode::perform(const protocol::OpenConnection& /*output*/) {
  connect();
}

void AgentNode::perform(const protocol::DropConnection& /*output*/) {
  drop();
}

void AgentNode::perform(protocol::SendText& output) {
  send({.kind = Packet::Kind::text,
        .frame = protocol::Frame::copy_of(protocol::as_bytes(output.text))});
}

void AgentNode::perform(protocol::SendBinary& output) {
  send({.kind = Packet::Kind::binary, .frame = std::move(output.frame)});
}

void AgentNode::perform(const protocol::SendPing& /*output*/) {
  send({.kind = Packet::Kind::ping});
}

void AgentNode::perform(const protocol::DecryptDataKey& output) {
  const std::string expected = detail::encrypted_data_key(output.key_id, output.context);
  if (protocol::as_text(output.ciphertext) == expected) {
    role_.data_key_decrypted(detail::plain_data_key(expected), now());
  } else {
    role_.data_key_failed("InvalidCiphertextException", now());
  }
}

void AgentNode::handle(const protocol::AgentConnected& event) {
  facts_.peer_version = event.client_version;
  // Only a terminal's output waits.
  program_alarm_.set(now() + (has_terminal_ ? profile_.first_output_wait : Duration{0}));
  role_.set_input_ready(true, now());
}

void AgentNode::handle(const protocol::InputReceived& event) {
  deliver(event.type, event.data);
}

void AgentNode::handle(const protocol::TerminalResized& /*event*/) {}

void AgentNode::handle(const protocol::ChannelClosedByService& /*event*/) {
  program_alarm_.cancel();
  role_.cancelled(now());
}

void AgentNode::handle(const protocol::OutputPossible& /*event*/) {}

void AgentNode::handle(const protocol::AgentEnded& event) {
  set_ended(std::string(protocol::name(event.reason)), event.text,
            event.reason == protocol::AgentEnd::success);
  drop();
  if (event.reason == protocol::AgentEnd::failed) {
    world().service.task_failed(event.text);
  }
}

}  // namespace ssm::sim
