#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace ssm::protocol {

/// What can be wrong with bytes from a peer, or with a request to encode some.
/// Every receiving path returns one of these; none throws.
enum class Errc {
  /// The message ends before a fixed header field, PayloadLength included. Drop the message.
  truncated_header = 1,
  /// HeaderLength + 4 lies beyond the end of the message. The reference listeners die here
  /// (WIRE-019: index panic in session-manager-plugin `src/message/messageparser.go` and
  /// amazon-ssm-agent `agent/session/contracts/agentmessage.go`); a robust receiver drops.
  payload_out_of_bounds,
  /// HeaderLength is 0.
  zero_header_length,
  /// HeaderLength is neither 112 nor 116 (strict validation only).
  unknown_header_length,
  /// MessageType is blank.
  blank_message_type,
  /// CreatedDate is 0.
  zero_created_date,
  /// SHA-256 of the payload differs from PayloadDigest.
  digest_mismatch,
  /// PayloadLength differs from the payload's real size (strict validation only).
  payload_length_mismatch,
  /// SchemaVersion is not 1 (strict validation only).
  unknown_schema_version,
  /// Encoding: MessageType is longer than 32 bytes.
  message_type_too_long,
  /// Encoding: the payload is empty; neither reference can send that (2.4).
  empty_payload,
  /// Encoding: the MessageId is the nil UUID.
  nil_message_id,
  /// Encoding: the caller's buffer is too small.
  buffer_too_small,
  /// A JSON payload that is no JSON, or not an object.
  malformed_json,
  /// A JSON member has the wrong type or is out of its range; the context names it.
  malformed_field,
  /// A payload that is not JSON (flag, exit code) has the wrong size or text.
  malformed_payload,
  /// A text that should be a UUID is not.
  malformed_uuid,
  /// A bounded buffer is full; the context names it.
  limit_reached,
  /// Encrypted data whose tag does not fit: another key, or changed on the way. Leave it
  /// unacknowledged.
  bad_tag,
};

/// Portable conditions: compare with `error.code == Condition::malformed`.
enum class Condition {
  /// The bytes cannot be what they claim to be.
  malformed = 1,
  /// Well formed, but not allowed here or now.
  protocol_violation,
  /// The same input may succeed later.
  retryable,
};

[[nodiscard]] const boost::system::error_category& protocol_category() noexcept;
[[nodiscard]] boost::system::error_code make_error_code(Errc errc) noexcept;
[[nodiscard]] boost::system::error_condition make_error_condition(Condition condition) noexcept;

/// An error code, where in the input it was seen, and for a human what was expected and seen.
struct Error {
  boost::system::error_code code;
  /// Byte offset in the input, or 0 when that says nothing.
  std::size_t offset = 0;
  /// Expected and seen, or the name of the field; may be empty.
  std::string context;

  Error() = default;
  Error(Errc errc) : code(make_error_code(errc)) {}  // NOLINT(google-explicit-constructor)
  Error(Errc errc, std::size_t at, std::string text = {})
      : code(make_error_code(errc)), offset(at), context(std::move(text)) {}
  explicit Error(boost::system::error_code error_code, std::size_t at = 0, std::string text = {})
      : code(error_code), offset(at), context(std::move(text)) {}

  /// One line: message, byte offset, context.
  [[nodiscard]] std::string to_string() const;
};

/// Used by Boost.System when `value()` is called on a failed result: only tests and `main` do.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& location);

template <class T = void>
using Result = boost::system::result<T, Error>;

}  // namespace ssm::protocol

template <>
struct boost::system::is_error_code_enum<ssm::protocol::Errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<ssm::protocol::Condition> : std::true_type {};
