/// Payloads that are not JSON, the terminal size, and base64.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ssm/protocol/base64.hpp"
#include "ssm/protocol/exit_code.hpp"
#include "ssm/protocol/port_flag.hpp"
#include "ssm/protocol/terminal_size.hpp"

namespace ssm::protocol {
namespace {

using std::string_view_literals::operator""sv;

//= PORT-001
TEST(PortFlag, is_four_bytes_big_endian) {
  EXPECT_EQ(as_text(encode_port_flag(PortFlag::disconnect_to_port)), "\0\0\0\1"sv);
  EXPECT_EQ(as_text(encode_port_flag(PortFlag::terminate_session)), "\0\0\0\2"sv);
  EXPECT_EQ(as_text(encode_port_flag(PortFlag::connect_to_port_error)), "\0\0\0\3"sv);
  EXPECT_EQ(parse_port_flag(as_bytes("\0\0\0\2"sv)).value(), PortFlag::terminate_session);
}

TEST(PortFlag, keeps_unknown_values) {
  EXPECT_EQ(parse_port_flag(as_bytes("\xff\0\0\4"sv)).value(), PortFlag{0xff000004U});
}

TEST(PortFlag, of_another_size_is_malformed) {
  for (const std::string_view payload : {""sv, "\0\0\2"sv, "\0\0\0\2\0"sv}) {
    const Result<PortFlag> flag = parse_port_flag(as_bytes(payload));
    ASSERT_TRUE(flag.has_error());
    EXPECT_EQ(flag.error().code, make_error_code(Errc::malformed_payload));
  }
}

TEST(ExitCode, is_written_as_text) {
  EXPECT_EQ(serialize_exit_code(0), "EXIT_CODE: 0");
  EXPECT_EQ(serialize_exit_code(-1), "EXIT_CODE: -1");
}

TEST(ExitCode, is_read_from_its_text) {
  EXPECT_EQ(parse_exit_code(as_bytes("EXIT_CODE: 137")).value(), 137);
  EXPECT_EQ(parse_exit_code(as_bytes("EXIT_CODE: -1")).value(), -1);
  EXPECT_EQ(parse_exit_code(as_bytes("EXIT_CODE: -2147483648")).value(), -2147483648);
}

TEST(ExitCode, of_any_other_text_is_malformed) {
  for (const char* const text :
       {"", "EXIT_CODE: ", "EXIT_CODE:1", "exit_code: 1", "EXIT_CODE:  1", "EXIT_CODE: +1",
        "EXIT_CODE: 1\n", "EXIT_CODE: 1.0", "EXIT_CODE: 2147483648", " EXIT_CODE: 1", "1"}) {
    const Result<int> exit_code = parse_exit_code(as_bytes(text));
    ASSERT_TRUE(exit_code.has_error()) << text;
    EXPECT_EQ(exit_code.error().code, make_error_code(Errc::malformed_payload)) << text;
  }
}

TEST(TerminalSize, is_written_as_the_reference_client_writes_it) {
  EXPECT_EQ(serialize(TerminalSize{.cols = 100, .rows = 100}), R"({"cols":100,"rows":100})");
  EXPECT_EQ(serialize(terminal_size_without_terminal), R"({"cols":300,"rows":100})");
}

TEST(Base64, writes_the_vectors_of_rfc_4648) {
  EXPECT_EQ(encode_base64(as_bytes("")), "");
  EXPECT_EQ(encode_base64(as_bytes("f")), "Zg==");
  EXPECT_EQ(encode_base64(as_bytes("fo")), "Zm8=");
  EXPECT_EQ(encode_base64(as_bytes("foo")), "Zm9v");
  EXPECT_EQ(encode_base64(as_bytes("foob")), "Zm9vYg==");
  EXPECT_EQ(encode_base64(as_bytes("fooba")), "Zm9vYmE=");
  EXPECT_EQ(encode_base64(as_bytes("foobar")), "Zm9vYmFy");
}

TEST(Base64, reads_back_every_byte_at_every_length) {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) {
    text += static_cast<char>(byte);
    EXPECT_EQ(as_text(decode_base64(encode_base64(as_bytes(text))).value()), text);
  }
}

TEST(Base64, skips_newlines_and_ignores_unused_bits_as_go_does) {
  EXPECT_EQ(as_text(decode_base64("Zm\r\n8=\n").value()), "fo");
  EXPECT_EQ(as_text(decode_base64("Zg=\n=").value()), "f");
  EXPECT_EQ(as_text(decode_base64("Zh==").value()), "f");
}

TEST(Base64, refuses_anything_else_and_says_where) {
  for (const char* const text :
       {"Z", "Zg", "Zg=", "=", "Z===", "====", "Zg==Zg==", "Zg=g", "Zm9v=", "Zm 9v", "Zm-_"}) {
    EXPECT_TRUE(decode_base64(text).has_error()) << text;
  }
  EXPECT_EQ(decode_base64("Zm9vZ*==").error().offset, 5U);
}

}  // namespace
}  // namespace ssm::protocol
