#include "sent_message.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/sha256.hpp"

namespace ssm::conformance::mutants {
namespace {

using protocol::Bytes;
using protocol::MutableBytes;

protocol::Uuid make_id(Mutation mutation, protocol::Random& random) {
  if (mutation == Mutation::id_always_the_same) {
    protocol::Random same(7);
    return protocol::Uuid::random_v4(same);
  }
  protocol::Uuid id = protocol::Uuid::random_v4(random);
  if (mutation == Mutation::id_of_version_1) {
    id.bytes[6] = (id.bytes[6] & std::byte{0x0F}) | std::byte{0x10};
  }
  return id;
}

std::uint64_t created_date(Mutation mutation) {
  const auto now_ms = static_cast<std::uint64_t>(net::EventLoop::unix_ms());
  switch (mutation) {
    case Mutation::created_date_0:
      return 0;
    case Mutation::created_date_in_seconds:
      return now_ms / 1000;
    default:
      return now_ms;
  }
}

void set_flags_and_numbers(Mutation mutation, protocol::MessageHeader& header) {
  const bool is_input = header.type == "input_stream_data";
  if (mutation == Mutation::syn_on_first_input && is_input && header.sequence_number == 0) {
    header.flags = protocol::flag_syn;
  } else if (mutation == Mutation::flags_on_all_input && is_input) {
    header.flags = protocol::flag_syn | protocol::flag_fin;
  } else if (mutation == Mutation::acknowledge_without_flags && !is_input) {
    header.flags = 0;
  } else if (mutation == Mutation::acknowledge_with_sequence_number && !is_input) {
    header.sequence_number = 5;
  } else if (mutation == Mutation::acknowledge_with_payload_type && !is_input) {
    header.payload_type = protocol::PayloadType::output;
  }
}

void write_text(MutableBytes field, const std::string& text) {
  std::transform(text.begin(), text.end(), field.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
}

/// 32 of the 64 hexadecimal digits.
std::string digest_text(Bytes payload) {
  const protocol::Digest digest = protocol::sha256(payload);
  std::string text;
  for (const std::byte byte : Bytes(digest).first(16)) {
    char digits[3] = {};
    std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(byte));
    text += digits;
  }
  return text;
}

void damage(Mutation mutation, MutableBytes message, const protocol::MessageHeader& header,
            Bytes payload) {
  const MutableBytes type = message.subspan(4, protocol::message_type_size);
  const MutableBytes digest = message.subspan(80, 32);
  switch (mutation) {
    case Mutation::header_length_112:
      protocol::store_big_endian(message, 0, std::uint32_t{112});
      break;
    case Mutation::header_length_little_endian:
      protocol::store_big_endian(message, 0, std::uint32_t{0x74000000});
      break;
    case Mutation::type_padded_with_nuls:
      std::fill(type.begin() + static_cast<std::ptrdiff_t>(header.type.size()), type.end(),
                std::byte{0});
      break;
    case Mutation::type_behind_spaces:
      std::rotate(type.begin(), type.begin() + static_cast<std::ptrdiff_t>(header.type.size()),
                  type.end());
      break;
    case Mutation::schema_version_2:
      protocol::store_big_endian(message, 36, std::uint32_t{2});
      break;
    case Mutation::id_in_plain_order:
      std::swap_ranges(message.begin() + 64, message.begin() + 72, message.begin() + 72);
      break;
    case Mutation::digest_of_nothing: {
      const protocol::Digest nothing = protocol::sha256({});
      std::copy(nothing.begin(), nothing.end(), digest.begin());
      break;
    }
    case Mutation::digest_as_text:
      write_text(digest, digest_text(payload));
      break;
    case Mutation::length_with_header:
      protocol::store_big_endian(message, 116, static_cast<std::uint32_t>(message.size()));
      break;
    default:
      break;
  }
}

}  // namespace

protocol::Frame make_message(Mutation mutation, protocol::MessageHeader header, Bytes payload,
                             protocol::Random& random) {
  header.message_id = make_id(mutation, random);
  header.created_date_ms = created_date(mutation);
  set_flags_and_numbers(mutation, header);
  protocol::EncodeForm form;
  form.allow_empty_payload = true;
  auto frame = protocol::encode_form(header, payload, form);
  SSM_ASSERT(frame.has_value());
  damage(mutation, frame->writable(), header, payload);
  return std::move(*frame);
}

}  // namespace ssm::conformance::mutants
