/// How JSON payloads are read and written, whichever they are (WIRE-026).

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/terminal_size.hpp"

namespace ssm::protocol {
namespace {

using std::string_literals::operator""s;

Result<TerminalSize> size_of(std::string_view text) {
  return parse_terminal_size(as_bytes(text));
}

void expect_size(std::string_view text, TerminalSize expected) {
  const Result<TerminalSize> size = size_of(text);
  ASSERT_TRUE(size) << text << ": " << size.error().to_string();
  EXPECT_EQ(size->cols, expected.cols) << text;
  EXPECT_EQ(size->rows, expected.rows) << text;
}

void expect_error(std::string_view text, Errc code, std::string_view context) {
  const Result<TerminalSize> size = size_of(text);
  ASSERT_TRUE(size.has_error()) << text;
  EXPECT_EQ(size.error().code, make_error_code(code)) << text << size.error().to_string();
  EXPECT_NE(size.error().context.find(context), std::string::npos)
      << text << ": " << size.error().context;
}

/// The Output of a channel_closed whose text between the quotes is `escaped`.
std::string output_of(std::string_view escaped) {
  const std::string payload = "{\"Output\":\"" + std::string(escaped) + "\"}";
  const Result<ChannelClosed> closed = parse_channel_closed(as_bytes(payload));
  return closed ? closed->output : closed.error().to_string();
}

/// `text` as a string in a payload that we write, without the quotes.
std::string written(const std::string& text) {
  HandshakeComplete complete;
  complete.customer_message = text;
  const std::string payload = serialize(complete);
  constexpr std::string_view before = R"({"HandshakeTimeToComplete":0,"CustomerMessage":")";
  return payload.substr(before.size(), payload.size() - before.size() - 2);
}

TEST(JsonReading, takes_member_names_in_any_letter_case) {
  expect_size(R"({"COLS":80,"rOwS":24})", {80, 24});
}

TEST(JsonReading, takes_the_two_letters_that_unicode_folds_to_ascii) {
  expect_size("{\"col\u017F\":80,\"row\\u017f\":24}", {80, 24});
  const Result<HandshakeRequest> request = parse_handshake_request(
      as_bytes("{\"RequestedClientActions\":[{\"ActionType\":\"KMSEncryption\","
               "\"ActionParameters\":{\"\u212AMSKeyId\":\"key\"}}]}"));
  ASSERT_TRUE(request);
  EXPECT_EQ(
      std::get<KmsEncryptionParameters>(request->requested_actions.at(0).parameters).kms_key_id,
      "key");
}

TEST(JsonReading, does_not_take_names_that_only_start_or_end_alike) {
  expect_size(R"({"col":1,"colss":2,"cols ":3,"":4})", {0, 0});
}

TEST(JsonReading, takes_escaped_member_names) {
  expect_size(R"({"\u0063ols":80,"row\u0073":24})", {80, 24});
}

TEST(JsonReading, ignores_unknown_members_of_any_type) {
  expect_size(R"({"x":[{"cols":1},[],"a",1.5e3,true,null],"cols":80,"y":{},"rows":24})", {80, 24});
}

TEST(JsonReading, leaves_missing_and_null_members_zero) {
  expect_size(R"({})", {0, 0});
  expect_size(R"({"cols":null,"rows":24})", {0, 24});
}

TEST(JsonReading, lets_the_last_of_several_members_win) {
  expect_size(R"({"cols":1,"rows":24,"cols":80})", {80, 24});
}

TEST(JsonReading, lets_the_last_member_win_across_letter_case) {
  expect_size(R"({"cols":1,"COLS":2,"cols":3,"rows":1,"Rows":2})", {3, 2});
  expect_size(R"({"COLS":1,"cols":2,"COLS":3})", {3, 0});
}

TEST(JsonReading, keeps_a_value_that_a_later_null_follows) {
  expect_size(R"({"cols":80,"cols":null,"rows":24})", {80, 24});
}

TEST(JsonReading, reports_a_wrong_type_even_if_a_right_one_follows) {
  expect_error(R"({"cols":"80","cols":80})", Errc::malformed_field, "cols: ");
}

TEST(JsonReading, allows_white_space_around_but_nothing_after) {
  expect_size(" \t\r\n{ \"cols\" : 80 , \"rows\" : 24 } \n", {80, 24});
  expect_error(R"({"cols":80,"rows":24}x)", Errc::malformed_json, "");
  expect_error(R"({"cols":80,"rows":24}{})", Errc::malformed_json, "");
  expect_error("{\"cols\":80}\0"s, Errc::malformed_json, "");
}

TEST(JsonReading, needs_an_object) {
  expect_error("[]", Errc::malformed_json, "expected an object, seen an array");
  expect_error("7", Errc::malformed_json, "seen a number");
  expect_error("null", Errc::malformed_json, "seen null");
  expect_error("", Errc::malformed_json, "");
}

TEST(JsonReading, refuses_what_is_no_json) {
  for (const char* const text :
       {"{", "{]", "{\"cols\"}", "{\"cols\":}", "{\"cols\":80,}", "{'cols':80}", "{cols:80}",
        "{\"cols\":080}", "{\"cols\":+80}", "{\"cols\":.5}", "{\"cols\":5.}", "{\"cols\":0x50}",
        "{\"cols\":NaN}", "{\"cols\":80 /* */}", "{\"x\":\"\\x\"}", "{\"x\":\"\\u12\"}",
        "{\"x\":\"a\nb\"}", "\xEF\xBB\xBF{}"}) {
    expect_error(text, Errc::malformed_json, "");
  }
}

TEST(JsonReading, tells_where_the_syntax_breaks) {
  const Result<TerminalSize> size = size_of(R"({"cols":80,"rows":})");
  ASSERT_TRUE(size.has_error());
  EXPECT_EQ(size.error().offset, 18U);
}

TEST(JsonReading, reads_integers_up_to_their_range) {
  expect_size(R"({"cols":4294967295,"rows":0})", {4294967295U, 0});
  const Result<HandshakeComplete> lowest =
      parse_handshake_complete(as_bytes(R"({"HandshakeTimeToComplete":-9223372036854775808})"));
  ASSERT_TRUE(lowest);
  EXPECT_EQ(lowest->time_to_complete, std::numeric_limits<std::int64_t>::min());
}

TEST(JsonReading, refuses_integers_out_of_range_and_names_the_field) {
  expect_error(R"({"cols":4294967296})", Errc::malformed_field,
               "cols: expected an integer from 0 to 4294967295, seen 4294967296");
  expect_error(R"({"rows":-1})", Errc::malformed_field, "rows: ");
  expect_error(R"({"rows":-0})", Errc::malformed_field, "rows: ");
  EXPECT_TRUE(
      parse_handshake_complete(as_bytes(R"({"HandshakeTimeToComplete":9223372036854775808})"))
          .has_error());
}

TEST(JsonReading, refuses_fractions_and_exponents_for_integers) {
  expect_error(R"({"cols":80.0})", Errc::malformed_field, "seen 80.0");
  expect_error(R"({"cols":8e1})", Errc::malformed_field, "seen 8e1");
  expect_error(R"({"cols":80E0})", Errc::malformed_field, "seen 80E0");
}

TEST(JsonReading, does_not_show_the_text_of_a_misplaced_string) {
  expect_error(R"({"cols":"secret"})", Errc::malformed_field, "seen a string");
}

TEST(JsonReading, cuts_long_numbers_in_errors) {
  const Result<TerminalSize> size = size_of("{\"cols\":" + std::string(100'000, '9') + "}");
  ASSERT_TRUE(size.has_error());
  EXPECT_EQ(size.error().code, make_error_code(Errc::malformed_field));
  EXPECT_LT(size.error().context.size(), 120U);
}

TEST(JsonReading, decodes_escapes) {
  EXPECT_EQ(output_of(R"(\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac)"), "\"\\/\b\f\n\r\tA\u00e9\u20ac");
  EXPECT_EQ(output_of(R"(\ud83d\ude00)"), "\U0001F600");
  EXPECT_EQ(output_of(R"(a\u0000b)"), "a\0b"s);
}

TEST(JsonReading, reads_unpaired_surrogates_as_replacement_characters) {
  EXPECT_EQ(output_of(R"(a\ud83db)"), "a\uFFFDb");
  EXPECT_EQ(output_of(R"(\ude00)"), "\uFFFD");
  EXPECT_EQ(output_of(R"(\ude00\ude00)"), "\uFFFD\uFFFD");
  EXPECT_EQ(output_of(R"(\ud83d\u0041)"), "\uFFFDA");
  EXPECT_EQ(output_of(R"(\uD83D\uD83D\uDE00)"), "\uFFFD\U0001F600");
  EXPECT_EQ(output_of(R"(\\ud83d)"), R"(\ud83d)");
  EXPECT_EQ(output_of(R"(\\\ud83d)"), "\\\uFFFD");
}

TEST(JsonReading, reads_each_byte_that_is_no_utf8_as_a_replacement_character) {
  EXPECT_EQ(output_of("a\xFF\xFE"), "a\uFFFD\uFFFD");
  EXPECT_EQ(output_of("\xC3"), "\uFFFD");
  EXPECT_EQ(output_of("\xC3\x28"), "\uFFFD(");
  EXPECT_EQ(output_of("\xC0\xAF"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(output_of("\xE0\x80\x80"), "\uFFFD\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(output_of("\xF0\x8F\xBF\xBF"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // overlong
  EXPECT_EQ(output_of("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");            // surrogate
  EXPECT_EQ(output_of("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(output_of("\xE2\x82x\u20ac\U0001F600"), "\uFFFD\uFFFDx\u20ac\U0001F600");
}

TEST(JsonWriting, uses_the_short_escapes_that_go_uses) {
  EXPECT_EQ(written("\"\\\n\r\t"), R"(\"\\\n\r\t)");
}

TEST(JsonWriting, writes_other_control_characters_in_hexadecimal) {
  EXPECT_EQ(written("\0\b\f\x1b\x1f"s), R"(\u0000\u0008\u000c\u001b\u001f)");
}

TEST(JsonWriting, escapes_what_is_unsafe_in_html_and_javascript) {
  EXPECT_EQ(written("<a>&\u2028\u2029\u2027\u202a"), R"(\u003ca\u003e\u0026\u2028\u2029)"
                                                     "\u2027\u202a");
}

TEST(JsonWriting, leaves_everything_else_alone) {
  EXPECT_EQ(written("/'\x7f\u00e9\u20ac\uFFFD\U0001F600"), "/'\x7f\u00e9\u20ac\uFFFD\U0001F600");
}

TEST(JsonWriting, escapes_each_byte_that_is_no_utf8_as_a_replacement_character) {
  EXPECT_EQ(written("a\xFF\xE2\x82z"), R"(a\ufffd\ufffd\ufffdz)");
}

TEST(JsonWriting, gives_back_every_ascii_character) {
  std::string text;
  for (int character = 0; character < 128; ++character) {
    text += static_cast<char>(character);
  }
  ChannelClosed closed;
  closed.output = text;
  const Result<ChannelClosed> read = parse_channel_closed(as_bytes(serialize(closed)));
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->output, text);
}

}  // namespace
}  // namespace ssm::protocol
