#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

#include "ssm/protocol/bytes.hpp"

namespace ssmsim {

/// What is wrong with one AgentMessage, empty if nothing is; and the message for people on one
/// line, or for programs. A message that cannot be decoded has a text and members as well.
struct DescribedMessage {
  std::string problem;
  std::string line;
  boost::json::object members;
};

/// Decodes and checks the bytes of one binary message.
[[nodiscard]] DescribedMessage describe_message(ssm::protocol::Bytes bytes);

/// `text` in quotes with everything that a terminal might act on escaped, cut after `limit` bytes.
[[nodiscard]] std::string quoted(std::string_view text, std::size_t limit = 80);
/// The same without quotes, for text that is JSON.
[[nodiscard]] std::string escaped(std::string_view text, std::size_t limit = 160);

/// Adds bytes as member `payload` if they are UTF-8, else as `payload_base64`.
void add_payload(boost::json::object& members, ssm::protocol::Bytes payload);

}  // namespace ssmsim
