// The first byte chooses a parser, the rest is its payload. What a parser accepts must survive
// writing and reading, and the two ways to read an acknowledgement must agree.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/base64.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/encryption_challenge.hpp"
#include "ssm/protocol/exit_code.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/open_data_channel.hpp"
#include "ssm/protocol/port_flag.hpp"
#include "ssm/protocol/task.hpp"
#include "ssm/protocol/terminal_size.hpp"

namespace {

using namespace ssm::protocol;

template <auto parse>
void check_json(Bytes payload) {
  const auto value = parse(payload);
  if (value.has_error()) {
    SSM_ASSERT(value.error().code == make_error_code(Errc::malformed_json) ||
               value.error().code == make_error_code(Errc::malformed_field));
    return;
  }
  const std::string written = serialize(*value);
  const auto again = parse(as_bytes(written));
  SSM_ASSERT(again.has_value());
  SSM_ASSERT(*again == *value);
  SSM_ASSERT(serialize(*again) == written);
}

void check_acknowledge(Bytes payload) {
  check_json<parse_acknowledge>(payload);
  const auto fast = parse_acknowledge(payload);
  const auto sequence = parse_acknowledged_sequence(payload);
  // A space in front means the same and is never taken by the fast path.
  const auto slow = parse_acknowledge(as_bytes(" " + std::string(as_text(payload))));
  SSM_ASSERT(fast.has_value() == slow.has_value());
  SSM_ASSERT(fast.has_value() == sequence.has_value());
  if (!fast) {
    SSM_ASSERT(fast.error().code == slow.error().code);
    return;
  }
  SSM_ASSERT(*fast == *slow);
  SSM_ASSERT(fast->sequence_number == *sequence);

  const auto id = Uuid::parse(fast->message_id);
  if (id && fast->is_sequential && fast->message_type.size() <= message_type_size) {
    Acknowledge canonical = *fast;
    canonical.message_id = id->to_string();
    std::array<std::byte, acknowledge_size_max> buffer{};
    const std::size_t size = write_acknowledge(fast->message_type, *id, *sequence, buffer);
    SSM_ASSERT(as_text(Bytes(buffer).first(size)) == serialize(canonical));
  }
}

void check_challenge(Bytes payload) {
  check_json<parse_encryption_challenge>(payload);
  if (const auto challenge = parse_encryption_challenge(payload)) {
    const auto bytes = challenge->bytes();
    SSM_ASSERT(bytes.has_value());
    SSM_ASSERT(EncryptionChallenge::from_bytes(*bytes) == *challenge);
  }
}

void check_exit_code(Bytes payload) {
  if (const auto exit_code = parse_exit_code(payload)) {
    SSM_ASSERT(*parse_exit_code(as_bytes(serialize_exit_code(*exit_code))) == *exit_code);
  }
}

void check_port_flag(Bytes payload) {
  const auto flag = parse_port_flag(payload);
  SSM_ASSERT(flag.has_value() == (payload.size() == 4));
  if (flag) {
    SSM_ASSERT(as_text(encode_port_flag(*flag)) == as_text(payload));
  }
}

void check_base64(Bytes payload) {
  SSM_ASSERT(as_text(*decode_base64(encode_base64(payload))) == as_text(payload));
  if (const auto decoded = decode_base64(as_text(payload))) {
    SSM_ASSERT(*decode_base64(encode_base64(*decoded)) == *decoded);
  }
}

constexpr std::array checks{
    check_acknowledge,
    check_json<parse_channel_closed>,
    check_json<parse_terminal_size>,
    check_json<parse_open_data_channel>,
    check_json<parse_agent_session_state>,
    check_json<parse_handshake_request>,
    check_json<parse_handshake_response>,
    check_json<parse_handshake_complete>,
    check_challenge,
    check_json<parse_interactive_shell>,
    check_json<parse_agent_task_complete>,
    check_json<parse_agent_task_acknowledge>,
    check_exit_code,
    check_port_flag,
    check_base64,
};

// Written text is longer than what was read by the escapes, so that an input near the limit of the
// parsers may not be readable again.
constexpr std::size_t input_size_max = 64 * 1024;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > input_size_max) {
    return 0;
  }
  const Bytes input = std::as_bytes(std::span(data, size));
  checks[data[0] % checks.size()](input.subspan(1));
  return 0;
}
