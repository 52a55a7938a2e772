#include "message_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/base64.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/sha256.hpp"
#include "ssm/schema/utf8.hpp"

namespace ssmsim {
namespace {

namespace protocol = ssm::protocol;
using protocol::MessageType;
using protocol::MessageView;

std::string flags_text(std::uint64_t flags) {
  switch (flags) {
    case 0:
      return "-";
    case protocol::flag_syn:
      return "syn";
    case protocol::flag_fin:
      return "fin";
    case protocol::flag_syn | protocol::flag_fin:
      return "syn+fin";
    default:
      return fmt::format("0x{:x}", flags);
  }
}

std::string payload_type_text(const MessageView& message) {
  const auto number = static_cast<std::uint32_t>(message.payload_type());
  const std::string_view name = protocol::name(message.payload_type());
  return name == "unknown" ? fmt::format("type {}", number) : std::string(name);
}

std::string payload_text(const MessageView& message) {
  const std::string_view text = protocol::as_text(message.payload);
  if (message.type == MessageType::acknowledge) {
    if (const auto ack = protocol::parse_acknowledge(message.payload)) {
      return fmt::format("acknowledges {} seq {}", escaped(ack->message_type),
                         ack->sequence_number);
    }
  }
  return text.starts_with('{') ? escaped(text) : quoted(text);
}

/// The digest by itself: the other checks may have found something first.
bool digest_matches(const MessageView& message) {
  const protocol::Digest digest = protocol::sha256(message.payload);
  return std::equal(digest.begin(), digest.end(), message.digest.begin(), message.digest.end());
}

boost::json::object members_of(const MessageView& message, bool digest_ok) {
  boost::json::object members;
  members["type"] = ssm::schema::to_utf8(message.type_text);
  members["sequence"] = message.sequence_number;
  members["flags"] = message.flags;
  members["payload_type"] = protocol::name(message.payload_type());
  members["payload_type_number"] = static_cast<std::uint32_t>(message.payload_type());
  members["message_id"] = message.message_id.to_string();
  members["created_ms"] = message.created_date_ms;
  members["schema_version"] = message.schema_version;
  members["header_length"] = message.header_length;
  members["payload_length_field"] = message.payload_length_field;
  members["payload_size"] = message.payload.size();
  members["digest_ok"] = digest_ok;
  add_payload(members, message.payload);
  return members;
}

void append_escaped(std::string& out, std::string_view text, std::size_t limit, bool quotes) {
  const bool cut = text.size() > limit;
  for (const char character : text.substr(0, limit)) {
    const auto value = static_cast<unsigned char>(character);
    if (character == '\r' || character == '\n' || character == '\t') {
      out += character == '\r' ? "\\r" : character == '\n' ? "\\n" : "\\t";
    } else if (value < 0x20 || value >= 0x7F) {
      out += fmt::format("\\x{:02x}", value);
    } else {
      out += quotes && (character == '"' || character == '\\') ? "\\" : "";
      out += character;
    }
  }
  out += quotes ? "\"" : "";
  out += cut ? "..." : "";
}

}  // namespace

DescribedMessage describe_message(protocol::Bytes bytes) {
  DescribedMessage described;
  const auto decoded = protocol::decode(bytes);
  if (!decoded) {
    described.problem = decoded.error().to_string();
    described.line =
        fmt::format("undecodable  {} bytes  {}", bytes.size(), quoted(protocol::as_text(bytes)));
    add_payload(described.members, bytes);
    return described;
  }
  if (const auto valid = protocol::validate(*decoded, protocol::strict_message_rules); !valid) {
    described.problem = valid.error().to_string();
  }
  const bool digest_ok = digest_matches(*decoded);
  described.line =
      fmt::format("{}  seq {}  flags {}  {}  {} bytes  digest {}  {}", escaped(decoded->type_text),
                  decoded->sequence_number, flags_text(decoded->flags), payload_type_text(*decoded),
                  decoded->payload.size(), digest_ok ? "ok" : "WRONG", payload_text(*decoded));
  described.members = members_of(*decoded, digest_ok);
  return described;
}

std::string quoted(std::string_view text, std::size_t limit) {
  std::string result = "\"";
  append_escaped(result, text, limit, true);
  return result;
}

std::string escaped(std::string_view text, std::size_t limit) {
  std::string result;
  append_escaped(result, text, limit, false);
  return result;
}

void add_payload(boost::json::object& members, protocol::Bytes payload) {
  const std::string_view text = protocol::as_text(payload);
  if (ssm::schema::find_invalid_utf8(text) == std::string_view::npos) {
    members["payload"] = text;
  } else {
    members["payload_base64"] = protocol::encode_base64(payload);
  }
}

}  // namespace ssmsim
