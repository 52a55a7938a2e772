#include "detail/websocket_codec.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ssm/protocol/bytes.hpp"

namespace ssm::net::detail {

using protocol::as_bytes;
using protocol::as_text;
using protocol::Bytes;
using protocol::Frame;

namespace {

constexpr unsigned final_bit = 0x80;
constexpr unsigned reserved_bits = 0x70;
constexpr unsigned opcode_bits = 0x0F;
constexpr unsigned mask_bit = 0x80;
constexpr unsigned length_bits = 0x7F;
constexpr unsigned length_is_16_bit = 126;
constexpr unsigned length_is_64_bit = 127;

/// `phase`: how many bytes of the payload came before.
void apply_mask(std::byte* out, const std::byte* in, std::size_t size, const MaskKey& key,
                std::size_t phase) {
  std::array<std::byte, 8> wide{};
  for (std::size_t i = 0; i < wide.size(); ++i) {
    wide[i] = key[(phase + i) % key.size()];
  }
  std::uint64_t wide_key = 0;
  std::memcpy(&wide_key, wide.data(), sizeof(wide_key));
  std::size_t i = 0;
  for (; i + sizeof(wide_key) <= size; i += sizeof(wide_key)) {
    std::uint64_t block = 0;
    std::memcpy(&block, in + i, sizeof(block));
    block ^= wide_key;
    std::memcpy(out + i, &block, sizeof(block));
  }
  for (; i < size; ++i) {
    out[i] = in[i] ^ wide[i % wide.size()];
  }
}

std::size_t length_field_bytes(std::size_t payload_bytes) {
  if (payload_bytes < length_is_16_bit) {
    return 0;
  }
  return payload_bytes <= 0xFFFF ? 2 : 8;
}

bool is_known(unsigned opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

/// What a peer may put into a close frame (RFC 6455 section 7.4 and its registry).
bool is_valid_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/// Length of the UTF-8 sequence that starts `text`, or 0 if there is none.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    // No overlong forms, no surrogates.
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_sequence(text);
    if (size == 0) {
      return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

std::size_t wire_size(std::size_t payload_bytes, bool masked) {
  return 2 + length_field_bytes(payload_bytes) + (masked ? sizeof(MaskKey) : 0) + payload_bytes;
}

void append_frame(std::vector<std::byte>& out, Opcode opcode, Bytes payload,
                  const std::optional<MaskKey>& mask) {
  std::array<std::byte, 14> header{};
  header[0] = static_cast<std::byte>(final_bit | static_cast<unsigned>(opcode));
  const std::size_t length_bytes = length_field_bytes(payload.size());
  std::size_t size = 2 + length_bytes;
  unsigned length = static_cast<unsigned>(payload.size() & length_bits);
  if (length_bytes == 2) {
    length = length_is_16_bit;
    protocol::store_big_endian(header, 2, static_cast<std::uint16_t>(payload.size()));
  } else if (length_bytes == 8) {
    length = length_is_64_bit;
    protocol::store_big_endian(header, 2, static_cast<std::uint64_t>(payload.size()));
  }
  header[1] = static_cast<std::byte>(length | (mask ? mask_bit : 0U));
  if (mask) {
    std::copy(mask->begin(), mask->end(), header.begin() + static_cast<std::ptrdiff_t>(size));
    size += mask->size();
  }
  out.insert(out.end(), header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size));
  const std::size_t start = out.size();
  out.insert(out.end(), payload.begin(), payload.end());
  if (mask && !payload.empty()) {
    apply_mask(out.data() + start, out.data() + start, payload.size(), *mask, 0);
  }
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  if (code == close_code::no_status) {
    return {};
  }
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8U));
  payload.push_back(static_cast<char>(code & 0xFFU));
  while (!reason.empty()) {
    const std::size_t size = utf8_sequence(reason);
    if (size == 0 || payload.size() + size > max_control_bytes) {
      break;
    }
    payload += reason.substr(0, size);
    reason.remove_prefix(size);
  }
  return payload;
}

FrameReader::Item FrameReader::next(Bytes& input) {
  for (;;) {
    if (!in_payload_) {
      if (!take_header(input)) {
        return failure_status_ != 0 ? Item::failure : Item::none;
      }
      if (!begin_payload()) {
        return Item::failure;
      }
    }
    take_payload(input);
    if (payload_read_ < payload_size_) {
      return Item::none;
    }
    in_payload_ = false;
    header_size_ = 0;
    header_needed_ = 2;
    if (const Item item = finish_frame(); item != Item::none) {
      return item;
    }
  }
}

bool FrameReader::take_header(Bytes& input) {
  for (;;) {
    const std::size_t count = std::min(header_needed_ - header_size_, input.size());
    std::copy_n(input.begin(), count, header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
    header_size_ += count;
    input = input.subspan(count);
    if (header_size_ < header_needed_) {
      return false;
    }
    if (header_needed_ > 2) {
      return true;
    }
    if (!check_first_bytes()) {
      return false;
    }
    if (header_needed_ == 2) {
      return true;
    }
  }
}

/// Sets header_needed_ for this frame.
bool FrameReader::check_first_bytes() {
  const auto first = std::to_integer<unsigned>(header_[0]);
  const auto second = std::to_integer<unsigned>(header_[1]);
  const unsigned opcode = first & opcode_bits;
  const unsigned length = second & length_bits;
  const bool masked = (second & mask_bit) != 0;
  if ((first & reserved_bits) != 0) {
    return fail(close_code::protocol_error, "a reserved bit is set in a frame header");
  }
  if (!is_known(opcode)) {
    return fail(close_code::protocol_error, "unknown opcode " + std::to_string(opcode));
  }
  final_ = (first & final_bit) != 0;
  opcode_ = static_cast<Opcode>(opcode);
  if (masked != expect_masked_) {
    return fail(close_code::protocol_error, masked ? "a frame from the server is masked"
                                                   : "a frame from the client is not masked");
  }
  if (is_control()) {
    if (!final_) {
      return fail(close_code::protocol_error, "a control frame is fragmented");
    }
    if (length > max_control_bytes) {
      return fail(close_code::protocol_error, "a control frame has more than 125 bytes");
    }
  } else if (opcode_ == Opcode::continuation && !in_fragments_) {
    return fail(close_code::protocol_error, "a continuation frame without a message to continue");
  } else if (opcode_ != Opcode::continuation && in_fragments_) {
    return fail(close_code::protocol_error, "a new message inside a fragmented one");
  }
  const std::size_t length_bytes =
      length == length_is_16_bit ? 2U : (length == length_is_64_bit ? 8U : 0U);
  header_needed_ = 2 + length_bytes + (masked ? sizeof(MaskKey) : 0);
  return true;
}

bool FrameReader::begin_payload() {
  const unsigned short_length = std::to_integer<unsigned>(header_[1]) & length_bits;
  std::uint64_t length = short_length;
  std::size_t offset = 2;
  if (short_length == length_is_16_bit) {
    length = protocol::load_big_endian<std::uint16_t>(header_, 2);
    offset += 2;
  } else if (short_length == length_is_64_bit) {
    length = protocol::load_big_endian<std::uint64_t>(header_, 2);
    offset += 8;
    if (length >> 63U != 0) {
      return fail(close_code::protocol_error, "a frame length has its highest bit set");
    }
  }
  if (2 + length_field_bytes(static_cast<std::size_t>(length)) != offset) {
    return fail(close_code::protocol_error, "a frame length is not in its shortest form");
  }
  if (expect_masked_) {
    std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(offset), mask_.size(), mask_.begin());
  }
  if (!is_control()) {
    if (length > max_message_bytes_ || fragments_.size() > max_message_bytes_ - length) {
      return fail(close_code::too_big,
                  "message larger than " + std::to_string(max_message_bytes_) + " bytes");
    }
    if (opcode_ != Opcode::continuation) {
      is_text_ = opcode_ == Opcode::text;
      in_fragments_ = !final_;
    }
    if (!in_fragments_) {
      // At most max_message_bytes, and untouched until the bytes arrive.
      message_ = Frame::with_size(static_cast<std::size_t>(length));
      in_place_ = message_.writable().data();
    }
  }
  in_payload_ = true;
  payload_size_ = static_cast<std::size_t>(length);
  payload_read_ = 0;
  return true;
}

void FrameReader::take_payload(Bytes& input) {
  const Bytes part = input.first(std::min(payload_size_ - payload_read_, input.size()));
  if (part.empty()) {
    return;
  }
  std::byte* out = nullptr;
  if (is_control()) {
    out = reinterpret_cast<std::byte*>(control_.data()) + payload_read_;
  } else if (!in_fragments_) {
    out = in_place_ + payload_read_;
  } else {
    const std::size_t start = fragments_.size();
    fragments_.insert(fragments_.end(), part.begin(), part.end());
    out = fragments_.data() + start;
  }
  if (expect_masked_) {
    apply_mask(out, part.data(), part.size(), mask_, payload_read_);
  } else {
    std::memcpy(out, part.data(), part.size());
  }
  payload_read_ += part.size();
  input = input.subspan(part.size());
}

FrameReader::Item FrameReader::finish_frame() {
  if (is_control()) {
    control_size_ = payload_size_;
    return finish_control();
  }
  if (!final_) {
    return Item::none;
  }
  if (in_fragments_) {
    message_ = Frame::copy_of(fragments_);
    fragments_ = {};
    in_fragments_ = false;
  }
  in_place_ = nullptr;
  if (is_text_ && !is_valid_utf8(as_text(message_.bytes()))) {
    fail(close_code::invalid_data, "a text message is not valid UTF-8");
    return Item::failure;
  }
  return Item::message;
}

FrameReader::Item FrameReader::finish_control() {
  if (opcode_ == Opcode::ping) {
    return Item::ping;
  }
  if (opcode_ == Opcode::pong) {
    return Item::pong;
  }
  if (control_size_ == 1) {
    fail(close_code::protocol_error, "a close frame with one byte");
    return Item::failure;
  }
  if (control_size_ >= 2 && !is_valid_close_code(close_status())) {
    fail(close_code::protocol_error,
         "a close frame with the code " + std::to_string(close_status()));
    return Item::failure;
  }
  if (!is_valid_utf8(close_reason())) {
    fail(close_code::invalid_data, "the reason in a close frame is not valid UTF-8");
    return Item::failure;
  }
  return Item::close;
}

std::uint16_t FrameReader::close_status() const {
  return control_size_ < 2
             ? close_code::no_status
             : protocol::load_big_endian<std::uint16_t>(as_bytes(control_payload()), 0);
}

std::string_view FrameReader::close_reason() const {
  return control_size_ < 2 ? std::string_view{} : control_payload().substr(2);
}

bool FrameReader::fail(std::uint16_t status, std::string detail) {
  failure_status_ = status;
  failure_detail_ = std::move(detail);
  return false;
}

}  // namespace ssm::net::detail
