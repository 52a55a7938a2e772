#include "ssm/protocol/codec.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <span>
#include <string>

namespace ssm::protocol {
namespace {

namespace at {  // byte offsets; the layout is drawn in message.hpp
constexpr std::size_t header_length = 0;
constexpr std::size_t message_type = 4;
constexpr std::size_t schema_version = 36;
constexpr std::size_t created_date = 40;
constexpr std::size_t sequence_number = 48;
constexpr std::size_t flags = 56;
constexpr std::size_t message_id = 64;
constexpr std::size_t payload_digest = 80;
constexpr std::size_t payload_type = 112;
constexpr std::size_t payload_length = 116;
}  // namespace at

constexpr std::size_t digest_size = 32;
constexpr std::size_t length_field_size = 4;

std::string expected_seen(std::string_view expected, std::uint64_t seen) {
  std::array<char, 20> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), seen).ptr;
  std::string text;
  text.reserve(expected.size() + 36);
  text.append("expected ").append(expected).append(", seen ");
  return text.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_hex(std::string& text, std::span<const std::byte, digest_size> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<char, digest_size * 2> hex;
  for (std::size_t i = 0; i < digest_size; ++i) {
    hex[2 * i] = digits[std::to_integer<unsigned>(bytes[i]) >> 4U];
    hex[2 * i + 1] = digits[std::to_integer<unsigned>(bytes[i]) & 0xFU];
  }
  text.append(hex.data(), hex.size());
}

std::string digests_differ(const Digest& expected, const MessageView& message) {
  std::string text;
  text.reserve(192);
  text += "expected ";
  append_hex(text, expected);
  text += " for ";
  text += std::to_string(message.payload.size());
  text += " payload bytes, seen ";
  append_hex(text, message.digest.first<digest_size>());
  return text;
}

// Length of the white space character at the front (or back) of `text`, 0 if there is none. The
// set is that of Go's unicode.IsSpace in UTF-8; bytes that are no valid UTF-8 are no white space.
std::size_t multibyte_space(std::string_view text, bool front) {
  using namespace std::string_view_literals;
  static constexpr std::array two{"\xC2\x85"sv, "\xC2\xA0"sv};  // U+0085, U+00A0
  for (const std::string_view space : two) {
    if (front ? text.starts_with(space) : text.ends_with(space)) {
      return 2;
    }
  }
  if (text.size() < 3) {
    return 0;
  }
  const std::string_view c = front ? text.substr(0, 3) : text.substr(text.size() - 3);
  if (c == "\xE1\x9A\x80"sv || c == "\xE3\x80\x80"sv || c == "\xE2\x81\x9F"sv) {
    return 3;  // U+1680, U+3000, U+205F
  }
  if (c.substr(0, 2) != "\xE2\x80"sv) {
    return 0;
  }
  const auto last = static_cast<unsigned char>(c[2]);
  const bool space = (last >= 0x80 && last <= 0x8A) ||              // U+2000 to U+200A
                     last == 0xA8 || last == 0xA9 || last == 0xAF;  // U+2028, U+2029, U+202F
  return space ? 3 : 0;
}

std::size_t space_size(std::string_view text, bool front) {
  if (text.empty()) {
    return 0;
  }
  const char c = front ? text.front() : text.back();
  if (c == ' ' || (c >= '\t' && c <= '\r')) {
    return 1;
  }
  return static_cast<unsigned char>(c) < 0x80 ? 0 : multibyte_space(text, front);
}

bool ends_with_eight(std::string_view text, char c) {
  std::uint64_t last = 0;
  std::memcpy(&last, text.data() + text.size() - 8, 8);
  return last == 0x0101010101010101U * static_cast<unsigned char>(c);
}

// NULs off both ends, then white space off both ends, once each: "type NUL spaces" keeps the NUL.
//= WIRE-003
std::string_view strip_padding(std::string_view text) {
  // Nearly always half of the field is one kind of padding: eight bytes at a time.
  while (text.size() > 8 && ends_with_eight(text, '\0')) {
    text.remove_suffix(8);
  }
  while (!text.empty() && text.front() == '\0') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == '\0') {
    text.remove_suffix(1);
  }
  while (text.size() > 8 && ends_with_eight(text, ' ')) {
    text.remove_suffix(8);
  }
  while (const std::size_t size = space_size(text, false)) {
    text.remove_suffix(size);
  }
  while (const std::size_t size = space_size(text, true)) {
    text.remove_prefix(size);
  }
  return text;
}

// Low half first.
//= WIRE-007
Uuid load_message_id(Bytes message) {
  Uuid id;
  std::memcpy(id.bytes.data() + 8, message.data() + at::message_id, 8);
  std::memcpy(id.bytes.data(), message.data() + at::message_id + 8, 8);
  return id;
}

void store_message_id(std::byte* out, const Uuid& id) {
  std::memcpy(out + at::message_id, id.bytes.data() + 8, 8);
  std::memcpy(out + at::message_id + 8, id.bytes.data(), 8);
}

// Where the sender's PayloadLength really is: just after the header.
std::uint32_t true_length_field(const MessageView& message) {
  return message.header_length == header_length_without_payload_type ? message.payload_type_field
                                                                     : message.payload_length_field;
}

Result<> check_encodable(const MessageHeader& header, Bytes payload, bool allow_empty) {
  if (payload.empty() && !allow_empty) {
    return Error(Errc::empty_payload);
  }
  if (payload.size() > std::numeric_limits<std::uint32_t>::max() - payload_offset) {
    return Error(Errc::limit_reached, 0,
                 expected_seen("a payload that a 32-bit length can describe", payload.size()));
  }
  if (header.type.size() > message_type_size) {
    return Error(Errc::message_type_too_long, 0,
                 expected_seen("at most 32 bytes", header.type.size()));
  }
  if (header.message_id.is_nil()) {
    return Error(Errc::nil_message_id);
  }
  return {};
}

// The payload stands, or is put, at `start`; the header is written after it was moved, so that the
// payload may come from anywhere in `out`.
void write_message(const MessageHeader& header, Bytes payload, std::byte* out, std::size_t start,
                   char padding) {
  if (!payload.empty() && payload.data() != out + start) {
    std::memmove(out + start, payload.data(), payload.size());
  }
  const MutableBytes head(out, start);
  std::byte* type = out + at::message_type;
  const std::size_t type_size = header.type.size();
  if (type_size != 0) {
    std::memmove(type, header.type.data(), type_size);
  }
  std::memset(type + type_size, padding, message_type_size - type_size);
  store_big_endian(head, at::header_length, static_cast<std::uint32_t>(start - length_field_size));
  store_big_endian(head, at::schema_version, schema_version);
  store_big_endian(head, at::created_date, header.created_date_ms);
  store_big_endian(head, at::sequence_number, header.sequence_number);
  store_big_endian(head, at::flags, header.flags);
  store_message_id(out, header.message_id);
  const Digest digest = sha256({out + start, payload.size()});
  std::memcpy(out + at::payload_digest, digest.data(), digest.size());
  if (start == payload_offset) {
    store_big_endian(head, at::payload_type, static_cast<std::uint32_t>(header.payload_type));
  }
  store_big_endian(head, start - length_field_size, static_cast<std::uint32_t>(payload.size()));
}

// The good path carries no texts: `read` and `judge` give an Errc, and what a human wants to know
// is put together only when it is not `fine`.
constexpr Errc fine{};

constexpr std::size_t fixed_fields_end = at::payload_length;

// The agent's integer reader wants one byte more after each 4-byte field.
std::size_t spare_bytes(const MessageRules& rules) {
  return rules.length_field_needs_payload ? 1 : 0;
}

Errc read(Bytes message, const MessageRules& rules, MessageView& view) {
  //= WIRE-020
  if (message.size() < fixed_fields_end + spare_bytes(rules)) {
    return Errc::truncated_header;
  }
  view.header_length = load_big_endian<std::uint32_t>(message, at::header_length);
  std::uint64_t start = std::uint64_t{view.header_length} + length_field_size;
  if (rules.wrap_header_length) {
    start &= 0xFFFFFFFFU;
  }
  //= WIRE-019
  if (start > message.size()) {
    return Errc::payload_out_of_bounds;
  }
  const bool length_readable = message.size() >= payload_offset + spare_bytes(rules);
  if (!length_readable && !rules.length_field_needs_payload) {
    return Errc::truncated_header;
  }
  view.type_text = strip_padding(as_text(message.subspan(at::message_type, message_type_size)));
  view.type = message_type_from(view.type_text);
  view.schema_version = load_big_endian<std::uint32_t>(message, at::schema_version);
  view.created_date_ms = load_big_endian<std::uint64_t>(message, at::created_date);
  view.sequence_number = load_big_endian<std::int64_t>(message, at::sequence_number);
  view.flags = load_big_endian<std::uint64_t>(message, at::flags);
  view.message_id = load_message_id(message);
  view.digest = message.subspan(at::payload_digest, digest_size);
  view.payload_type_field = load_big_endian<std::uint32_t>(message, at::payload_type);
  view.payload_length_field =
      length_readable ? load_big_endian<std::uint32_t>(message, at::payload_length) : 0;
  //= WIRE-014
  view.payload = message.subspan(static_cast<std::size_t>(start));
  return fine;
}

Errc judge_header(const MessageView& message, const MessageRules& rules) {
  //= WIRE-016
  if (message.header_length == 0) {
    return Errc::zero_header_length;
  }
  if (rules.check_header_length && message.header_length != header_length &&
      message.header_length != header_length_without_payload_type) {
    return Errc::unknown_header_length;
  }
  if (message.type_text.empty()) {
    return Errc::blank_message_type;
  }
  //= WIRE-006
  if (message.created_date_ms == 0) {
    return Errc::zero_created_date;
  }
  if (rules.check_schema_version && message.schema_version != schema_version) {
    return Errc::unknown_schema_version;
  }
  if (rules.check_payload_length && true_length_field(message) != message.payload.size()) {
    return Errc::payload_length_mismatch;
  }
  return fine;
}

// `digest` is set when the verdict is digest_mismatch.
Errc judge(const MessageView& message, const MessageRules& rules, Digest& digest) {
  const bool publication_control = message.type == MessageType::pause_publication ||
                                   message.type == MessageType::start_publication;
  if (rules.publication_control_exempt && publication_control) {
    return fine;
  }
  if (const Errc errc = judge_header(message, rules); errc != fine) {
    return errc;
  }
  //= WIRE-012
  const bool skip_digest = rules.zero_length_skips_digest && message.payload_length_field == 0;
  if (!rules.check_digest || skip_digest) {
    return fine;
  }
  //= WIRE-010
  digest = sha256(message.payload);
  SSM_ASSERT(message.digest.size() == digest_size);
  const bool same = std::memcmp(digest.data(), message.digest.data(), digest_size) == 0;
  return same ? fine : Errc::digest_mismatch;
}

[[gnu::cold]] Error explain_read(Errc errc, Bytes message, const MessageRules& rules) {
  if (errc == Errc::payload_out_of_bounds) {
    return Error(errc, at::header_length,
                 expected_seen("HeaderLength of at most " +
                                   std::to_string(message.size() - length_field_size) +
                                   " in a message of " + std::to_string(message.size()) + " bytes",
                               load_big_endian<std::uint32_t>(message, at::header_length)));
  }
  const std::size_t least =
      rules.length_field_needs_payload ? fixed_fields_end + 1 : payload_offset;
  return Error(errc, message.size(),
               expected_seen("at least " + std::to_string(least) + " bytes", message.size()));
}

[[gnu::cold]] Error explain_judge(Errc errc, const MessageView& message, const Digest& digest) {
  switch (errc) {
    case Errc::unknown_header_length:
      return Error(errc, at::header_length, expected_seen("116 or 112", message.header_length));
    case Errc::blank_message_type:
      return Error(errc, at::message_type);
    case Errc::zero_created_date:
      return Error(errc, at::created_date);
    case Errc::unknown_schema_version:
      return Error(errc, at::schema_version, expected_seen("1", message.schema_version));
    case Errc::payload_length_mismatch:
      return Error(
          errc, message.header_length,
          expected_seen(std::to_string(message.payload.size()), true_length_field(message)));
    case Errc::digest_mismatch:
      return Error(errc, at::payload_digest, digests_differ(digest, message));
    default:
      return Error(errc);
  }
}

}  // namespace

Result<MessageView> decode(Bytes message, const MessageRules& rules) {
  Result<MessageView> result{boost::system::in_place_value};
  if (const Errc errc = read(message, rules, *result); errc != fine) {
    return explain_read(errc, message, rules);
  }
  return result;
}

Result<> validate(const MessageView& message, const MessageRules& rules) {
  Digest digest;
  if (const Errc errc = judge(message, rules, digest); errc != fine) {
    return explain_judge(errc, message, digest);
  }
  return {};
}

Result<MessageView> parse(Bytes message, const MessageRules& rules) {
  Result<MessageView> result{boost::system::in_place_value};
  MessageView& view = *result;
  if (const Errc errc = read(message, rules, view); errc != fine) {
    return explain_read(errc, message, rules);
  }
  Digest digest;
  if (const Errc errc = judge(view, rules, digest); errc != fine) {
    return explain_judge(errc, view, digest);
  }
  return result;
}

Result<std::size_t> encode(const MessageHeader& header, Bytes payload, MutableBytes out) {
  if (Result<> checked = check_encodable(header, payload, false); !checked) {
    return checked.error();
  }
  const std::size_t size = encoded_size(payload.size());
  if (out.size() < size) {
    return Error(Errc::buffer_too_small, 0,
                 expected_seen(std::to_string(size) + " bytes", out.size()));
  }
  write_message(header, payload, out.data(), payload_offset, ' ');
  return size;
}

Result<Frame> encode(const MessageHeader& header, Bytes payload) {
  return encode_form(header, payload, {});
}

Result<Frame> encode_form(const MessageHeader& header, Bytes payload, EncodeForm form) {
  if (Result<> checked = check_encodable(header, payload, form.allow_empty_payload); !checked) {
    return checked.error();
  }
  const std::size_t start =
      form.without_payload_type ? payload_offset - length_field_size : payload_offset;
  Frame frame = Frame::with_size(start + payload.size());
  write_message(header, payload, frame.writable().data(), start, form.nul_padding ? '\0' : ' ');
  return frame;
}

}  // namespace ssm::protocol
