#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ssm/trace/writer.hpp"

namespace ssm::trace {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RedactTokens, covers_the_token_and_nothing_else) {
  EXPECT_EQ(
      redact_tokens(R"({"MessageSchemaVersion":"1.0","RequestId":"r","TokenValue":"AAEAA/x+=",)"
                    R"("ClientId":"c"})"),
      R"({"MessageSchemaVersion":"1.0","RequestId":"r","TokenValue":"*********",)"
      R"("ClientId":"c"})");
}

TEST(RedactTokens, leaves_text_without_a_token_as_it_is) {
  for (const std::string text : {"", "{}", R"({"Token":"a","Value":"TokenValue"})", "keepalive"}) {
    EXPECT_EQ(redact_tokens(text), text);
  }
}

TEST(RedactTokens, does_not_mistake_a_value_for_a_name) {
  const std::string text = R"({"a":"TokenValue","b":["TokenValue"],"c":"\"TokenValue\":\"x\""})";
  EXPECT_EQ(redact_tokens(text), text);
}

TEST(RedactTokens, covers_every_spelling_that_a_reader_accepts) {
  EXPECT_EQ(redact_tokens(R"({"tokenvalue":"ab"})"), R"({"tokenvalue":"**"})");
  EXPECT_EQ(redact_tokens(R"({"TOKENVALUE":"ab"})"), R"({"TOKENVALUE":"**"})");
  EXPECT_EQ(redact_tokens(R"({"Token\u0056alue":"ab"})"), R"({"Token\u0056alue":"**"})");
  EXPECT_EQ(redact_tokens(R"({"To\u212AenValue":"ab"})"), R"({"To\u212AenValue":"**"})");
  EXPECT_EQ(redact_tokens("{\"To\xE2\x84\xAA"
                          "enValue\":\"ab\"}"),
            "{\"To\xE2\x84\xAA"
            "enValue\":\"**\"}");
}

TEST(RedactTokens, covers_values_with_escapes) {
  EXPECT_EQ(redact_tokens(R"({"TokenValue":"a\"b\\","x":"y"})"),
            R"({"TokenValue":"******","x":"y"})");
}

TEST(RedactTokens, covers_tokens_at_any_depth_and_any_number) {
  EXPECT_EQ(redact_tokens(R"([{"TokenValue" : "a"},{"x":{"TokenValue":"bc","TokenValue":"d"}}])"),
            R"([{"TokenValue" : "*"},{"x":{"TokenValue":"**","TokenValue":"*"}}])");
}

TEST(RedactTokens, covers_values_that_are_no_strings) {
  EXPECT_EQ(redact_tokens(R"({"TokenValue":12,"x":1})"), R"({"TokenValue":**,"x":1})");
  EXPECT_EQ(redact_tokens(R"({"TokenValue":["a]",{"b":"}"}],"x":1})"),
            R"({"TokenValue":****************,"x":1})");
  EXPECT_EQ(redact_tokens(R"({"TokenValue":null})"), R"({"TokenValue":null})");
}

TEST(RedactTokens, covers_all_that_follows_the_name_where_the_text_is_no_json) {
  EXPECT_EQ(redact_tokens(R"({"TokenValue":"abc)"), R"({"TokenValue******)");
  EXPECT_EQ(redact_tokens("TokenValue=abc"), "TokenValue****");
  EXPECT_EQ(redact_tokens(R"({TokenValue:"abc"})"), R"({TokenValue*******)");
}

TEST(RedactTokens, never_shows_a_token_of_a_cut_text_and_keeps_its_size) {
  const std::string text =
      R"({"a":"\"","TokenValue":"SECRETSECRET","b":{"tokenValue":"SECRETSECRET"}})";
  for (std::size_t begin = 0; begin < 25; ++begin) {
    for (std::size_t size = 0; size <= text.size() - begin; ++size) {
      const std::string part = text.substr(begin, size);
      const std::string redacted = redact_tokens(part);
      EXPECT_EQ(redacted.size(), part.size());
      if (begin <= 11) {
        EXPECT_THAT(redacted, Not(HasSubstr("SEC"))) << part;
      }
    }
  }
}

TEST(RedactTokens, takes_deep_nesting) {
  const std::string deep(100'000, '[');
  const std::string redacted = redact_tokens(deep + R"({"TokenValue":"SECRET")");
  EXPECT_EQ(redacted.substr(deep.size()), R"({"TokenValue**********)");
}

}  // namespace
}  // namespace ssm::trace
