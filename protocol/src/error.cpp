#include "ssm/protocol/error.hpp"

#include <boost/system/system_error.hpp>

namespace ssm::protocol {
namespace {

const char* text(Errc errc) noexcept {
  switch (errc) {
    case Errc::truncated_header:
      return "message ends before a fixed header field (the header alone takes 120 bytes)";
    case Errc::payload_out_of_bounds:
      return "HeaderLength + 4, where the payload starts, lies beyond the end of the message";
    case Errc::zero_header_length:
      return "HeaderLength is 0 (116 is usual, 112 without PayloadType)";
    case Errc::unknown_header_length:
      return "HeaderLength is neither 116 nor 112";
    case Errc::blank_message_type:
      return "MessageType is blank";
    case Errc::zero_created_date:
      return "CreatedDate is 0 (milliseconds since the Unix epoch are due)";
    case Errc::digest_mismatch:
      return "PayloadDigest is not the SHA-256 of the payload";
    case Errc::payload_length_mismatch:
      return "PayloadLength is not the size of the payload";
    case Errc::unknown_schema_version:
      return "SchemaVersion is not 1";
    case Errc::message_type_too_long:
      return "MessageType does not fit its 32 bytes";
    case Errc::empty_payload:
      return "a message with an empty payload cannot be sent";
    case Errc::nil_message_id:
      return "MessageId is the nil UUID; a sender needs a random one";
    case Errc::buffer_too_small:
      return "the buffer is too small for the encoded message";
    case Errc::malformed_json:
      return "the payload is not a JSON object";
    case Errc::malformed_field:
      return "a JSON member has the wrong type or is out of range";
    case Errc::malformed_payload:
      return "the payload does not have the form its PayloadType requires";
    case Errc::malformed_uuid:
      return "not a UUID";
    case Errc::limit_reached:
      return "a bounded buffer is full";
    case Errc::bad_tag:
      return "encrypted data does not fit its tag (another key, or changed on the way)";
  }
  return "unknown protocol error";
}

Condition condition_of(Errc errc) noexcept {
  switch (errc) {
    case Errc::unknown_header_length:
    case Errc::unknown_schema_version:
    case Errc::message_type_too_long:
    case Errc::empty_payload:
    case Errc::nil_message_id:
      return Condition::protocol_violation;
    case Errc::buffer_too_small:
    case Errc::limit_reached:
      return Condition::retryable;
    case Errc::truncated_header:
    case Errc::payload_out_of_bounds:
    case Errc::zero_header_length:
    case Errc::blank_message_type:
    case Errc::zero_created_date:
    case Errc::digest_mismatch:
    case Errc::payload_length_mismatch:
    case Errc::malformed_json:
    case Errc::malformed_field:
    case Errc::malformed_payload:
    case Errc::malformed_uuid:
    case Errc::bad_tag:
      break;
  }
  return Condition::malformed;
}

// The base's destructor is protected and not virtual by design: categories are never deleted.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

class ConditionCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "ssm.protocol.condition"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<Condition>(value)) {
      case Condition::malformed:
        return "malformed input";
      case Condition::protocol_violation:
        return "protocol violation";
      case Condition::retryable:
        return "may succeed later";
    }
    return "unknown condition";
  }
};

const boost::system::error_category& condition_category() noexcept {
  static const ConditionCategory category;
  return category;
}

class ProtocolCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "ssm.protocol"; }
  [[nodiscard]] std::string message(int value) const override {
    return text(static_cast<Errc>(value));
  }
  [[nodiscard]] boost::system::error_condition default_error_condition(
      int value) const noexcept override {
    return make_error_condition(condition_of(static_cast<Errc>(value)));
  }
};

#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& protocol_category() noexcept {
  static const ProtocolCategory category;
  return category;
}

boost::system::error_code make_error_code(Errc errc) noexcept {
  return {static_cast<int>(errc), protocol_category()};
}

boost::system::error_condition make_error_condition(Condition condition) noexcept {
  return {static_cast<int>(condition), condition_category()};
}

std::string Error::to_string() const {
  std::string line = code.message();
  if (offset != 0) {
    line += " at byte ";
    line += std::to_string(offset);
  }
  if (!context.empty()) {
    line += ": ";
    line += context;
  }
  return line;
}

void throw_exception_from_error(const Error& error, const boost::source_location& location) {
  throw boost::system::system_error(error.code,
                                    error.to_string() + " (" + location.to_string() + ")");
}

}  // namespace ssm::protocol
