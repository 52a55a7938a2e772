// Any bytes as a message, under each receiver's rules. What must hold:
//  - no crash, no read outside the input (views included);
//  - a rule set that checks more accepts less: pedantic -> strict -> both references;
//  - what strict accepts and a sender can write survives encode and decode unchanged.
//
// A changed byte nearly always breaks the digest, and then nothing behind the digest check is
// reached. So an input that decodes is judged twice: as it is, and with the digest it should have.
// Nothing is hashed more often than needed: speed is what finds things here.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ssm/protocol/codec.hpp"

namespace {

using namespace ssm::protocol;

constexpr std::size_t largest_input = 1024;

bool inside(Bytes part, Bytes whole) {
  const std::less_equal<const std::byte*> not_after;
  return not_after(whole.data(), part.data()) &&
         not_after(part.data() + part.size(), whole.data() + whole.size());
}

bool same_bytes(Bytes a, Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void check_view(const MessageView& view, Bytes message, const MessageRules& rules) {
  SSM_ASSERT(inside(view.payload, message));
  SSM_ASSERT(view.payload.data() + view.payload.size() == message.data() + message.size());
  SSM_ASSERT(inside(view.digest, message) && view.digest.size() == 32);
  SSM_ASSERT(inside(as_bytes(view.type_text), message.subspan(4, message_type_size)));
  SSM_ASSERT(view.type == MessageType::unknown || wire_name(view.type) == view.type_text);
  if (!rules.wrap_header_length) {
    SSM_ASSERT(view.header_length + std::uint64_t{4} + view.payload.size() == message.size());
  }
}

Result<MessageView> read(Bytes message, const MessageRules& rules) {
  Result<MessageView> view = decode(message, rules);
  if (view) {
    check_view(*view, message, rules);
  } else {
    SSM_ASSERT(!view.error().context.empty() && view.error().offset <= message.size());
  }
  return view;
}

bool accepts(const Result<MessageView>& view, Bytes message, const MessageRules& rules) {
  if (!view) {
    return false;
  }
  const Result<> verdict = validate(*view, rules);
  SSM_ASSERT(verdict || verdict.error().offset <= message.size());
  return verdict.has_value();
}

void check_reencodes(Bytes message, const MessageView& view) {
  const MessageHeader header{.type = view.type_text,
                             .created_date_ms = view.created_date_ms,
                             .sequence_number = view.sequence_number,
                             .flags = view.flags,
                             .message_id = view.message_id,
                             .payload_type = view.payload_type()};
  std::array<std::byte, payload_offset + largest_input> out;
  const Result<std::size_t> size = encode(header, view.payload, out);
  const bool encodable = !view.payload.empty() && !view.message_id.is_nil();
  SSM_ASSERT(size.has_value() == encodable);
  if (!encodable) {
    return;
  }
  const std::string_view type = view.type_text;
  if (!type.empty() && (type.front() == '\0' || type.back() == '\0')) {
    return;  // " NUL type" decodes to "NUL type", which decodes to "type": nothing keeps that NUL
  }
  const Bytes encoded = Bytes(out).first(*size);
  const MessageView again = parse(encoded, pedantic_message_rules).value();
  SSM_ASSERT(again.type_text == view.type_text && again.type == view.type);
  SSM_ASSERT(again.created_date_ms == view.created_date_ms);
  SSM_ASSERT(again.sequence_number == view.sequence_number && again.flags == view.flags);
  SSM_ASSERT(again.message_id == view.message_id && again.payload_type() == view.payload_type());
  SSM_ASSERT(same_bytes(again.payload, view.payload));
  // A message that a reference could have written comes out as it came in.
  const bool canonical = view.header_length == header_length && view.schema_version == 1 &&
                         view.payload_length_field == view.payload.size() &&
                         same_bytes(encoded.subspan(4, 32), message.subspan(4, 32));
  SSM_ASSERT(!canonical || same_bytes(encoded, message));
}

bool is_publication_control(const MessageView& view) {
  return view.type == MessageType::pause_publication || view.type == MessageType::start_publication;
}

/// With the right digest nearly everything is accepted, and the rule sets differ the most.
void check_with_right_digest(Bytes message) {
  const Result<MessageView> view = read(message, strict_message_rules);
  const Result<MessageView> agent_view = read(message, agent_message_rules);
  const bool strict = accepts(view, message, strict_message_rules);
  const bool agent = accepts(agent_view, message, agent_message_rules);
  // Strict and plugin read alike where strict can read at all.
  const bool plugin = accepts(view, message, plugin_message_rules);
  const bool pedantic = accepts(view, message, pedantic_message_rules);
  SSM_ASSERT(strict == agent);
  SSM_ASSERT(plugin == (strict || is_publication_control(*view)));
  SSM_ASSERT(!pedantic || strict);
  if (strict) {
    check_reencodes(message, *view);
  }
}

/// A message that strict cannot read: only a wrapping length lets the references get further.
void check_unreadable(Bytes message, const Error& error) {
  SSM_ASSERT(parse(message, strict_message_rules).error().code == error.code);
  const Result<MessageView> plugin_view = read(message, plugin_message_rules);
  const Result<MessageView> agent_view = read(message, agent_message_rules);
  const bool plugin = accepts(plugin_view, message, plugin_message_rules);
  const bool agent = accepts(agent_view, message, agent_message_rules);
  SSM_ASSERT(!plugin_view || error.code == Errc::payload_out_of_bounds);
  SSM_ASSERT(!plugin || agent || is_publication_control(*plugin_view));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > largest_input) {
    return 0;
  }
  const Bytes message = std::as_bytes(std::span(data, size));
  const Result<MessageView> view = read(message, strict_message_rules);
  if (!view) {
    check_unreadable(message, view.error());
    return 0;
  }
  if (accepts(view, message, strict_message_rules)) {
    SSM_ASSERT(parse(message, strict_message_rules).has_value());
    check_with_right_digest(message);
    return 0;
  }
  SSM_ASSERT(!accepts(view, message, plugin_message_rules) || is_publication_control(*view) ||
             view->payload_length_field == 0);
  if (view->payload.data() >= message.data() + 112) {
    std::array<std::byte, largest_input> mended;
    std::memcpy(mended.data(), data, size);
    const Digest digest = sha256(view->payload);
    std::memcpy(mended.data() + 80, digest.data(), digest.size());
    check_with_right_digest(Bytes(mended).first(size));
  }
  return 0;
}
