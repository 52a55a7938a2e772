#include "ssm/protocol/message.hpp"

#include <array>

namespace ssm::protocol {
namespace {

constexpr std::array<std::string_view, 12> names{
    "",
    "input_stream_data",
    "output_stream_data",
    "acknowledge",
    "channel_closed",
    "pause_publication",
    "start_publication",
    "agent_session_state",
    "interactive_shell",
    "agent_task_complete",
    "agent_task_acknowledge",
    "data_channel_ready",
};
static_assert(static_cast<std::size_t>(MessageType::data_channel_ready) == names.size() - 1);

}  // namespace

std::string_view wire_name(MessageType type) {
  const auto index = static_cast<std::size_t>(type);
  return index < names.size() ? names[index] : std::string_view{};
}

MessageType message_type_from(std::string_view text) {
  const auto if_equal = [text](MessageType type) {
    return names[static_cast<std::size_t>(type)] == text ? type : MessageType::unknown;
  };
  // Length and one letter single out one candidate.
  switch (text.size()) {
    case 11:
      return if_equal(MessageType::acknowledge);
    case 14:
      return if_equal(MessageType::channel_closed);
    case 17:
      switch (text[1]) {
        case 'n':
          return if_equal(text[2] == 'p' ? MessageType::input_stream_data
                                         : MessageType::interactive_shell);
        case 'a':
          return if_equal(MessageType::pause_publication);
        default:
          return if_equal(MessageType::start_publication);
      }
    case 18:
      return if_equal(text[0] == 'o' ? MessageType::output_stream_data
                                     : MessageType::data_channel_ready);
    case 19:
      return if_equal(text[6] == 's' ? MessageType::agent_session_state
                                     : MessageType::agent_task_complete);
    case 22:
      return if_equal(MessageType::agent_task_acknowledge);
    default:
      return MessageType::unknown;
  }
}

std::string_view name(PayloadType type) {
  switch (type) {
    case PayloadType::none:
      return "none";
    case PayloadType::output:
      return "output";
    case PayloadType::error:
      return "error";
    case PayloadType::size:
      return "size";
    case PayloadType::parameter:
      return "parameter";
    case PayloadType::handshake_request:
      return "handshake_request";
    case PayloadType::handshake_response:
      return "handshake_response";
    case PayloadType::handshake_complete:
      return "handshake_complete";
    case PayloadType::encryption_challenge_request:
      return "encryption_challenge_request";
    case PayloadType::encryption_challenge_response:
      return "encryption_challenge_response";
    case PayloadType::flag:
      return "flag";
    case PayloadType::std_err:
      return "std_err";
    case PayloadType::exit_code:
      return "exit_code";
  }
  return "unknown";
}

}  // namespace ssm::protocol
