#include "ssm/protocol/acknowledge.hpp"

#include <charconv>
#include <cstring>
#include <optional>

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"
#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

// The references' form, cut between its values.
constexpr std::string_view before_type = R"({"AcknowledgedMessageType":")";
constexpr std::string_view before_id = R"(","AcknowledgedMessageId":")";
constexpr std::string_view before_sequence = R"(","AcknowledgedMessageSequenceNumber":)";
constexpr std::string_view after_sequence = R"(,"IsSequentialMessage":true})";

/// Values of an acknowledgement in the references' form; the views point into the payload.
struct CanonicalAcknowledge {
  std::string_view type;
  std::string_view id;
  std::int64_t sequence = 0;
};

bool take(std::string_view& rest, std::string_view expected) {
  if (rest.substr(0, expected.size()) != expected) {
    return false;
  }
  rest.remove_prefix(expected.size());
  return true;
}

/// Takes the text before the next quote, which must need no decoding.
std::optional<std::string_view> take_plain_text(std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && rest[size] != '"') {
    // Backslashes, control characters and anything but ASCII are left to the JSON parser.
    const auto byte = static_cast<std::uint8_t>(rest[size]);
    if (byte < 0x20 || byte >= 0x80 || byte == '\\') {
      return std::nullopt;
    }
    ++size;
  }
  const std::string_view text = rest.substr(0, size);
  rest.remove_prefix(size);
  return text;
}

std::optional<std::int64_t> take_integer(std::string_view& rest) {
  std::int64_t value = 0;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (result.ec != std::errc{}) {
    return std::nullopt;
  }
  const auto size = static_cast<std::size_t>(result.ptr - rest.data());
  const std::size_t first_digit = rest[0] == '-' ? 1 : 0;
  if (rest[first_digit] == '0' && size > 1) {
    return std::nullopt;  // a leading zero, which JSON does not allow, or -0
  }
  rest.remove_prefix(size);
  return value;
}

/// Reads the one form that both references write; anything else, right or wrong, is nothing.
std::optional<CanonicalAcknowledge> match_canonical(Bytes payload) {
  std::string_view rest = as_text(payload);
  if (!take(rest, before_type)) {
    return std::nullopt;
  }
  const auto type = take_plain_text(rest);
  if (!type || !take(rest, before_id)) {
    return std::nullopt;
  }
  const auto id = take_plain_text(rest);
  if (!id || !take(rest, before_sequence)) {
    return std::nullopt;
  }
  const auto sequence = take_integer(rest);
  if (!sequence || rest != after_sequence) {
    return std::nullopt;
  }
  return CanonicalAcknowledge{.type = *type, .id = *id, .sequence = *sequence};
}

Result<Acknowledge> parse_any_form(Bytes payload) {
  return detail::parse_object<Acknowledge>(
      payload, [](detail::FieldReader& reader, Acknowledge& acknowledge) {
        acknowledge.is_sequential = false;
        reader.read("AcknowledgedMessageType", acknowledge.message_type);
        reader.read("AcknowledgedMessageId", acknowledge.message_id);
        reader.read("AcknowledgedMessageSequenceNumber", acknowledge.sequence_number);
        reader.read("IsSequentialMessage", acknowledge.is_sequential);
      });
}

char* append(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

Result<Acknowledge> parse_acknowledge(Bytes payload) {
  if (const auto canonical = match_canonical(payload)) {
    Acknowledge acknowledge;
    acknowledge.message_type = canonical->type;
    acknowledge.message_id = canonical->id;
    acknowledge.sequence_number = canonical->sequence;
    return acknowledge;
  }
  return parse_any_form(payload);
}

Result<std::int64_t> parse_acknowledged_sequence(Bytes payload) {
  if (const auto canonical = match_canonical(payload)) {
    return canonical->sequence;
  }
  Result<Acknowledge> acknowledge = parse_any_form(payload);
  if (acknowledge.has_error()) {
    return std::move(acknowledge).error();
  }
  return acknowledge->sequence_number;
}

std::string serialize(const Acknowledge& acknowledge) {
  std::string out;
  detail::ObjectWriter(out)
      .field("AcknowledgedMessageType", acknowledge.message_type)
      .field("AcknowledgedMessageId", acknowledge.message_id)
      .field("AcknowledgedMessageSequenceNumber", acknowledge.sequence_number)
      .field("IsSequentialMessage", acknowledge.is_sequential)
      .end();
  return out;
}

//= ACK-002
std::size_t write_acknowledge(std::string_view message_type, const Uuid& message_id,
                              std::int64_t sequence, MutableBytes out) {
  SSM_ASSERT(message_type.size() <= message_type_size);
  SSM_ASSERT(out.size() >= acknowledge_size_max);
  constexpr std::size_t uuid_text_size = 36;
  auto* const begin = reinterpret_cast<char*>(out.data());
  // The quotes around the type are the JSON writer's.
  char* end = append(begin, before_type.substr(0, before_type.size() - 1));
  end = detail::write_json_string(end, message_type);
  end = append(end, before_id.substr(1));
  message_id.write_text(end);
  end = append(end + uuid_text_size, before_sequence);
  end = std::to_chars(end, begin + out.size(), sequence).ptr;
  end = append(end, after_sequence);
  return static_cast<std::size_t>(end - begin);
}

}  // namespace ssm::protocol
