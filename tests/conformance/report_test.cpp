#include "ssm/conformance/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

namespace ssm::conformance {
namespace {

using testing::HasSubstr;
using testing::Not;

CaseResult result_of(std::string_view case_id, Verdict verdict) {
  const auto& cases = client_cases();
  const auto found = std::find_if(cases.begin(), cases.end(),
                                  [&](const Case& candidate) { return candidate.id == case_id; });
  CaseResult result;
  result.id = case_id;
  result.definition = &*found;
  result.requirement = find_requirement(found->requirement_id());
  result.outcome.verdict = verdict;
  result.outcome.sent = "a <message>";
  result.outcome.seen = "something \"else\" & more";
  result.outcome.transcript = {"-> first", "<- second"};
  result.took = std::chrono::milliseconds(1500);
  return result;
}

const ReportOptions options{.command = {"./client", "it's", "{token}"}};

TEST(Report, says_of_a_failure_what_was_sent_expected_and_seen_and_how_to_repeat_it) {
  const std::string text = text_line(result_of("WIRE-010/digest-bit", Verdict::fail), options);
  EXPECT_THAT(text, HasSubstr("FAIL  WIRE-010/digest-bit"));
  EXPECT_THAT(text, HasSubstr("sent      a <message>"));
  EXPECT_THAT(text, HasSubstr("expected  the first is neither acknowledged nor shown"));
  EXPECT_THAT(text, HasSubstr("seen      something \"else\" & more"));
  EXPECT_THAT(text, HasSubstr("-> first"));
  EXPECT_THAT(text, HasSubstr("<- second"));
  EXPECT_THAT(text, HasSubstr("again     ssmsim conform client --filter WIRE-010/digest-bit -- "
                              "./client 'it'\\''s' '{token}'"));
}

TEST(Report, colors_only_where_asked_to) {
  const CaseResult result = result_of("WIRE-010/digest-bit", Verdict::pass);
  EXPECT_THAT(text_line(result, options), Not(HasSubstr("\x1b")));
  ReportOptions colored = options;
  colored.color = true;
  EXPECT_THAT(text_line(result, colored), HasSubstr("\x1b[32m"));
}

TEST(Report, excuses_failures_of_weaker_levels) {
  const CaseResult results[] = {result_of("WIRE-010/digest-bit", Verdict::fail),
                                result_of("WIRE-023/input-flags", Verdict::fail),
                                result_of("WIRE-019/117-bytes", Verdict::fail)};
  EXPECT_EQ(count(results, Level::must).failed, 1U);
  EXPECT_EQ(count(results, Level::should).failed, 2U);
  EXPECT_EQ(count(results, Level::may).failed, 3U);
  EXPECT_EQ(count(results, Level::must).excused, 2U);
}

TEST(Report, sums_up_what_there_is) {
  const CaseResult results[] = {result_of("WIRE-010/digest-bit", Verdict::pass),
                                result_of("WIRE-019/117-bytes", Verdict::fail),
                                result_of("WIRE-008/retransmission", Verdict::skipped)};
  EXPECT_EQ(text_summary(results, options),
            "1 passed, 0 failed, 1 failed but excused by their level, 1 skipped\n");
}

TEST(Report, is_json_for_programs) {
  const CaseResult results[] = {result_of("WIRE-010/digest-bit", Verdict::fail)};
  const auto report = boost::json::parse(json_report(results, options)).as_object();
  EXPECT_EQ(report.at("totals").at("failed").to_number<int>(), 1);
  EXPECT_EQ(report.at("command").at(2).as_string(), "{token}");
  const auto& first = report.at("cases").at(0).as_object();
  EXPECT_EQ(first.at("id").as_string(), "WIRE-010/digest-bit");
  EXPECT_EQ(first.at("requirement").as_string(), "WIRE-010");
  EXPECT_EQ(first.at("level").as_string(), "must");
  EXPECT_EQ(first.at("verdict").as_string(), "fail");
  EXPECT_EQ(first.at("sent").as_string(), "a <message>");
  EXPECT_EQ(first.at("messages").as_array().size(), 2U);
  EXPECT_DOUBLE_EQ(first.at("seconds").as_double(), 1.5);
}

TEST(Report, is_junit_with_its_texts_escaped) {
  const CaseResult results[] = {result_of("WIRE-010/digest-bit", Verdict::fail),
                                result_of("WIRE-019/117-bytes", Verdict::fail),
                                result_of("WIRE-001/header-length", Verdict::error),
                                result_of("WIRE-002/message-type", Verdict::pass)};
  const std::string report = junit_report(results, options);
  EXPECT_THAT(report, HasSubstr("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""));
  EXPECT_THAT(report, HasSubstr("<failure message=\"something &quot;else&quot; &amp; more\">"));
  EXPECT_THAT(report, HasSubstr("a &lt;message&gt;"));
  EXPECT_THAT(report, HasSubstr("name=\"WIRE-002/message-type\" time=\"1.500\"/>"));
}

TEST(ShellQuoted, keeps_words_apart) {
  const std::string words[] = {"plain-1/x=y", "", "a b", "$HOME", "it's"};
  EXPECT_EQ(shell_quoted(words), "plain-1/x=y '' 'a b' '$HOME' 'it'\\''s'");
}

}  // namespace
}  // namespace ssm::conformance
