// Feeds any bytes to the WebSocket frame reader, as a server and as a client would get them.
// Properties: input cut into pieces gives the same items as whole input; a message that was read
// can be written and read again; nothing larger than the limit comes out.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detail/websocket_codec.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/bytes.hpp"

namespace {

namespace net = ssm::net::detail;
using ssm::protocol::Bytes;

constexpr std::size_t max_message_bytes = 4096;

struct Item {
  net::FrameReader::Item kind;
  std::string content;

  friend bool operator==(const Item&, const Item&) = default;
};

std::vector<Item> read_all(Bytes input, bool masked, std::size_t piece) {
  net::FrameReader reader(masked, max_message_bytes);
  std::vector<Item> items;
  while (!input.empty()) {
    Bytes part = input.first(std::min(piece, input.size()));
    input = input.subspan(part.size());
    for (;;) {
      const net::FrameReader::Item kind = reader.next(part);
      if (kind == net::FrameReader::Item::none) {
        break;
      }
      Item item{kind, {}};
      switch (kind) {
        case net::FrameReader::Item::message: {
          const ssm::protocol::Frame message = reader.take_message();
          SSM_ASSERT(message.size() <= max_message_bytes);
          item.content = ssm::protocol::as_text(message.bytes());
          item.content += reader.is_text() ? 't' : 'b';
          break;
        }
        case net::FrameReader::Item::ping:
        case net::FrameReader::Item::pong:
          item.content = reader.control_payload();
          SSM_ASSERT(item.content.size() <= net::max_control_bytes);
          break;
        case net::FrameReader::Item::close:
          item.content = std::to_string(reader.close_status()) + std::string(reader.close_reason());
          items.push_back(std::move(item));
          return items;
        case net::FrameReader::Item::failure:
          SSM_ASSERT(reader.failure_status() >= 1002);
          item.content = std::to_string(reader.failure_status());
          items.push_back(std::move(item));
          return items;
        case net::FrameReader::Item::none:
          break;
      }
      items.push_back(std::move(item));
    }
  }
  return items;
}

void write_and_read_again(const Item& message, bool masked) {
  const Bytes payload = ssm::protocol::as_bytes(
      std::string_view(message.content).substr(0, message.content.size() - 1));
  const bool is_text = message.content.back() == 't';
  std::vector<std::byte> wire;
  const std::optional<net::MaskKey> mask =
      masked ? std::optional(net::MaskKey{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}})
             : std::nullopt;
  net::append_frame(wire, is_text ? net::Opcode::text : net::Opcode::binary, payload, mask);
  SSM_ASSERT(wire.size() == net::wire_size(payload.size(), masked));
  const std::vector<Item> again = read_all(wire, masked, wire.size());
  SSM_ASSERT(again.size() == 1 && again.front() == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const bool masked = (data[0] & 1U) != 0;
  const std::size_t piece = (data[0] >> 1U) + 1U;
  const Bytes input = std::as_bytes(std::span(data + 1, size - 1));
  const std::vector<Item> whole = read_all(input, masked, input.size());
  SSM_ASSERT(read_all(input, masked, piece) == whole);
  for (const Item& item : whole) {
    if (item.kind == net::FrameReader::Item::message) {
      write_and_read_again(item, masked);
    }
  }
  return 0;
}
