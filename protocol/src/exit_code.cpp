#include "ssm/protocol/exit_code.hpp"

#include <charconv>
#include <string_view>

namespace ssm::protocol {
namespace {

constexpr std::string_view prefix = "EXIT_CODE: ";

}  // namespace

Result<int> parse_exit_code(Bytes payload) {
  const std::string_view text = as_text(payload);
  const char* const end = text.data() + text.size();
  if (text.substr(0, prefix.size()) == prefix) {
    int exit_code = 0;
    const auto result = std::from_chars(text.data() + prefix.size(), end, exit_code);
    if (result.ec == std::errc{} && result.ptr == end) {
      return exit_code;
    }
  }
  return Error(Errc::malformed_payload, 0, "expected \"EXIT_CODE: \" and a decimal number");
}

std::string serialize_exit_code(int exit_code) {
  return std::string(prefix) + std::to_string(exit_code);
}

}  // namespace ssm::protocol
