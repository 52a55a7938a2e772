#include "ssm/config/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "sample.pb.h"
#include "ssm/schema/utf8.hpp"

namespace ssm::config {
namespace {

using testing::HasSubstr;

/// The message as protobuf's own short text, or the problems.
template <class Type = test::Sample>
std::string load(std::string_view text) {
  Type message;
  const Loaded<Positions> loaded = load_document(text, "f", message);
  return loaded ? message.ShortDebugString() : loaded.error().to_string();
}

TEST(Document, reads_every_kind_of_field) {
  EXPECT_EQ(
      load(R"(
i32: -7
i64: -9223372036854775808
u32: 5
u64: 18446744073709551615
real: 0.25
small: 2
flag: true
text: some text
colour: dark_blue
child: {i32: 1}
numbers: [5, 6]
texts: [a, "b"]
colours: [red]
children: [{u64: 1}, {}]
first: 0
)"),
      R"(i32: -7 i64: -9223372036854775808 u32: 5 u64: 18446744073709551615 real: 0.25 small: 2 )"
      R"(flag: true text: "some text" colour: COLOUR_DARK_BLUE child { i32: 1 } numbers: 5 )"
      R"(numbers: 6 texts: "a" texts: "b" colours: COLOUR_RED children { u64: 1 } children { } )"
      R"(first: 0)");
}

TEST(Document, reads_json_as_well) {
  EXPECT_EQ(load("{\n\t\"u32\": 7,\n\t\"text\": \"a\\tb\",\n\t\"children\":\t[\n\t\t{\"flag\": "
                 "false}\n\t]\n}\n"),
            R"(u32: 7 text: "a\tb" children { })");
}

TEST(Document, reads_durations_with_units) {
  EXPECT_EQ(load("waits: [250ms, 2s, 1.5s, 10us, 3ns, 2m, 1h, 0s]"),
            "waits { nanos: 250000000 } waits { seconds: 2 } waits { seconds: 1 nanos: 500000000 } "
            "waits { nanos: 10000 } waits { nanos: 3 } waits { seconds: 120 } "
            "waits { seconds: 3600 } waits { }");
}

TEST(Document, refuses_durations_without_a_unit_or_out_of_range) {
  for (const std::string wrong : {"250", "-1s", "ms", "1 s", "1.2.3s", "1e3s", "0x1s",
                                  "99999999999h", "1S", "inf", "{}", "~"}) {
    EXPECT_THAT(load("wait: " + wrong), HasSubstr("expected a duration such as 250ms or 2s"))
        << wrong;
  }
}

TEST(Document, refuses_values_of_the_wrong_type) {
  EXPECT_EQ(load("i32: one"), "f:1:6: i32: expected a whole number, seen one");
  EXPECT_EQ(load("i32: \"1\""), "f:1:6: i32: expected a whole number, seen \"1\"");
  EXPECT_EQ(load("i32: 1.5"), "f:1:6: i32: expected a whole number, seen 1.5");
  EXPECT_EQ(load("i32: 2147483648"), "f:1:6: i32: expected a whole number, seen 2147483648");
  EXPECT_EQ(load("u64: -1"), "f:1:6: u64: expected a whole number, seen -1");
  EXPECT_EQ(load("real: nan"), "f:1:7: real: expected a number, seen nan");
  EXPECT_EQ(load("real: 1e999"), "f:1:7: real: expected a number, seen 1e999");
  EXPECT_EQ(load("flag: yes"), "f:1:7: flag: expected true or false, seen yes");
  EXPECT_EQ(load("flag: \"true\""), "f:1:7: flag: expected true or false, seen \"true\"");
  EXPECT_EQ(load("text: [a]"), "f:1:7: text: expected text of at most 10 bytes, seen a list");
  EXPECT_EQ(load("needed:"), "f:1:1: needed: expected text, seen nothing");
  EXPECT_EQ(load("numbers: 5"), "f:1:10: numbers: expected a list, seen 5");
  EXPECT_EQ(load("[]"),
            "f:1:1: expected a mapping with i32, i64, u32, u64, real, small, flag, text, colour, "
            "wait, child, numbers, texts, colours, waits, children, needed, first, second, seen a "
            "list");
}

TEST(Document, refuses_values_out_of_range) {
  EXPECT_EQ(load("u32: 4"), "f:1:6: u32: expected a whole number from 5 to 10, seen 4");
  EXPECT_EQ(load("u32: 11"), "f:1:6: u32: expected a whole number from 5 to 10, seen 11");
  EXPECT_EQ(load("text: 12345678901"),
            "f:1:7: text: expected text of at most 10 bytes, seen 12345678901");
  EXPECT_EQ(load("numbers: [1, 2, 3, 4]"), "f:1:10: numbers: expected a list of at most 3, seen 4");
}

TEST(Document, refuses_enumerators_by_any_other_name) {
  for (const std::string wrong : {"green", "COLOUR_RED", "unspecified", "1", "RED", "\"\""}) {
    EXPECT_THAT(load("colour: " + wrong), HasSubstr("expected one of red, dark_blue, seen "))
        << wrong;
  }
}

TEST(Document, refuses_unknown_and_repeated_fields) {
  EXPECT_THAT(load("child: {}\nchilds: {}"),
              HasSubstr("f:2:1: expected one of the fields i32, i64, "));
  EXPECT_THAT(load("child: {}\nchilds: {}"), HasSubstr("seen \"childs\""));
  EXPECT_EQ(load("i32: 1\ni32: 2"), "f:2:1: expected each field once, seen \"i32\" again");
}

TEST(Document, refuses_a_missing_field) {
  EXPECT_EQ(load<test::Strict>("first: 1"), "f:1:1: needed: expected text, seen no such field");
}

TEST(Document, refuses_none_or_two_of_a_choice) {
  EXPECT_EQ(load<test::Strict>("needed: a"),
            "f:1:1: expected exactly one of first, second, seen none of them");
  EXPECT_EQ(load<test::Strict>("{needed: a, first: 1, second: 2}"),
            "f:1:1: expected exactly one of first, second, seen 2 of them");
  EXPECT_EQ(load("i32: 1"), "i32: 1");
}

TEST(Document, reports_all_problems_in_order) {
  EXPECT_EQ(load("children:\n  - u32: 1\n  - flag: 3\ni32: x"),
            "f:2:10: children[0].u32: expected a whole number from 5 to 10, seen 1\n"
            "f:3:11: children[1].flag: expected true or false, seen 3\n"
            "f:4:6: i32: expected a whole number, seen x");
}

TEST(Document, reports_a_bounded_number_of_problems) {
  std::string text = "children:\n";
  for (int i = 0; i < 1000; ++i) {
    text += "  - u32: 1\n";
  }
  test::Sample message;
  EXPECT_EQ(load_document(text, "f", message).error().list.size(), Problems::max_problems);
}

TEST(Document, tells_where_fields_stand) {
  test::Sample message;
  const Positions positions = load_document("i32: 1\nchild:\n  u32: 5\n", "f", message).value();
  EXPECT_EQ(positions.at("i32"), (Position{1, 6}));
  EXPECT_EQ(positions.at("child.u32"), (Position{3, 8}));
}

TEST(Document, refuses_anchors_aliases_and_tags) {
  EXPECT_EQ(load("child: &a {i32: 1}"), "f:1:8: expected no anchors, seen &a");
  EXPECT_EQ(load("texts: [&a x, *a]"), "f:1:9: expected no anchors, seen &a");
  EXPECT_THAT(load("child: *a"), HasSubstr("expected well-formed YAML or JSON"));
  EXPECT_THAT(load("text: !!binary aGVsbG8="), HasSubstr("expected no tags"));
}

TEST(Document, refuses_bad_syntax_with_its_place) {
  EXPECT_THAT(load("child: {i32: 1\n"), HasSubstr("expected well-formed YAML or JSON, seen "));
  EXPECT_THAT(load("a: b: c\n"), HasSubstr("f:1:"));
  EXPECT_THAT(load("{[a]: 1}"), HasSubstr("expected a field name, seen a list"));
  EXPECT_THAT(load("---\ni32: 1\n---\ni32: 2\n"), HasSubstr("expected one document"));
  EXPECT_THAT(load(""), HasSubstr("seen nothing"));
  EXPECT_THAT(load("# only a comment\n"), HasSubstr("seen nothing"));
}

TEST(Document, refuses_what_is_not_utf8_text) {
  EXPECT_EQ(load("text: a\ntexts: [\xC3\x28]"), "f:2:9: expected UTF-8 text, seen byte 0xc3");
  EXPECT_THAT(load(std::string("\xFF\xFE") + "a"), HasSubstr("expected UTF-8 text"));
  EXPECT_EQ(load(std::string("text: \0", 7)), "f:1:7: expected text, seen a NUL byte");
  EXPECT_THAT(load(R"(text: "\ud83d")"), HasSubstr("expected"));
}

TEST(Document, shows_control_characters_escaped) {
  EXPECT_THAT(load("\"\\e[31m\": 1"), HasSubstr(R"(seen "\x1b[31m")"));
  EXPECT_THAT(load("i32: \"\\e[31m\""), HasSubstr(R"(seen "\x1b[31m")"));
}

TEST(Document, refuses_deep_nesting_at_once) {
  EXPECT_THAT(load("child: " + std::string(100'000, '[')), HasSubstr("levels"));
  EXPECT_THAT(load(std::string(100'000, '{')), HasSubstr("expected"));
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) {
    dashes += "- ";
  }
  EXPECT_THAT(load(dashes), HasSubstr("levels"));
}

TEST(Document, refuses_too_many_values) {
  std::string text = "texts: [";
  for (std::size_t i = 0; i <= max_document_nodes; ++i) {
    text += "a,";
  }
  EXPECT_THAT(load(text + "a]"), HasSubstr("expected at most 100000 values"));
}

TEST(Document, refuses_too_large_a_text) {
  EXPECT_EQ(load(std::string(max_document_bytes + 1, ' ')),
            "f: expected at most 1048576 bytes, seen more");
}

TEST(Document, takes_any_cut_or_changed_text_without_harm) {
  const std::string text =
      "children:\n  - {u32: 7, text: \"a\\u00e9\", wait: 2s}\n  - flag: true\n";
  const auto check = [](const std::string& changed) {
    test::Sample message;
    const Loaded<Positions> loaded = load_document(changed, "f", message);
    EXPECT_TRUE(loaded || !loaded.error().list.empty());
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    check(text.substr(0, i));
    for (const char replacement : {'\0', '{', ']', '"', ':', '\t', '\xFF', '&'}) {
      std::string changed = text;
      changed[i] = replacement;
      check(changed);
    }
  }
}

TEST(Utf8, finds_each_kind_of_invalid_byte) {
  using schema::find_invalid_utf8;
  const auto valid = std::string_view::npos;
  EXPECT_EQ(find_invalid_utf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), valid);
  EXPECT_EQ(find_invalid_utf8("ab\x80"), 2U);
  EXPECT_EQ(find_invalid_utf8("\xC0\x80"), 0U);          // overlong
  EXPECT_EQ(find_invalid_utf8("\xE0\x80\x80"), 0U);      // overlong
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0U);      // surrogate
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0U);  // past U+10FFFF
  EXPECT_EQ(find_invalid_utf8("a\xE2\x82"), 1U);         // cut
}

TEST(Utf8, replaces_invalid_bytes_only) {
  EXPECT_EQ(schema::to_utf8("a\xFF\xC3\xA9\xE2\x82"),
            "a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD");
}

class ReadFile : public testing::Test {
 protected:
  ReadFile() {
    std::string pattern = testing::TempDir() + "ssm_config_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ReadFile() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  void write(const std::string& name, std::size_t size) const {
    std::ofstream(path(name)) << std::string(size, 'x');
  }

  std::string directory_;
};

TEST_F(ReadFile, reads_up_to_the_limit) {
  write("largest", max_document_bytes);
  EXPECT_EQ(read_file(path("largest")).value().size(), max_document_bytes);
}

TEST_F(ReadFile, refuses_a_larger_file) {
  write("large", max_document_bytes + 1);
  EXPECT_EQ(read_file(path("large")).error().to_string(),
            path("large") + ": expected a file of at most 1048576 bytes, seen a larger one");
}

TEST_F(ReadFile, refuses_what_is_no_file) {
  EXPECT_THAT(read_file(path("none")).error().to_string(), HasSubstr("No such file"));
  EXPECT_THAT(read_file(directory_).error().to_string(), HasSubstr("seen a directory"));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(read_file(path("pipe")).error().to_string(), HasSubstr("expected a regular file"));
  EXPECT_THAT(read_file("/dev/zero").error().to_string(), HasSubstr("expected a regular file"));
}

}  // namespace
}  // namespace ssm::config
