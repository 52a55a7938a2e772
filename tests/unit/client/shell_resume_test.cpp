#include "shell_fixture.hpp"
#include "ssm/client/plugin_texts.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::client {
namespace {

using test::json_answer;
using test::ShellTest;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ShellResumeTest : public ShellTest {
 protected:
  void answer_resume_with(std::string body, unsigned status = 200) {
    service.answer = [body = std::move(body), status](const auto&) {
      return json_answer(body, status);
    };
  }
  [[nodiscard]] std::string token_of_opening(std::size_t index) const {
    const auto open = protocol::parse_open_data_channel(protocol::as_bytes(service.texts[index]));
    return open ? open->token_value : "?";
  }
};

//= RESUME-001
//= RESUME-008
//= RESUME-009
TEST_F(ShellResumeTest, goes_on_after_a_cut_without_loss_or_repetition) {
  start_session();
  answer_resume_with(R"({"SessionId":"test-1","TokenValue":"token-2","StreamUrl":")" +
                     service.stream_url("test-1-again") + "\"}");
  type("before\n");
  ASSERT_TRUE(until([&] { return service.input() == "before\n"; }));
  service.acknowledges = false;
  type("during\n");
  ASSERT_TRUE(until([&] { return service.input() == "before\nduring\n"; }));
  service.messages.clear();
  service.cut();
  // Lost on the way: the client is not connected when it is sent.
  service.send_output("one ");
  type("away\n");
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  service.acknowledges = true;
  service.send_output("two");
  service.send_output_as(1, "one ");
  ASSERT_TRUE(until([&] { return output.size() >= 7; }));
  EXPECT_EQ(output, "one two");
  ASSERT_TRUE(until([&] { return service.input() == "during\naway\n"; }));
  EXPECT_EQ(service.operations(), std::vector<std::string>{"ResumeSession"});
  EXPECT_EQ(token_of_opening(1), "token-2");
  EXPECT_THAT(service.upgrades.back(), HasSubstr("test-1-again"));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("connection lost"), "connection resumed"));
}

//= RESUME-010
TEST_F(ShellResumeTest, sends_no_size_again) {
  start_session();
  service.close(1000);
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  service.messages.clear();
  type("x");
  ASSERT_TRUE(until([&] { return service.input() == "x"; }));
  EXPECT_EQ(service.messages.size(), 1U);
}

//= RESUME-003
TEST_F(ShellResumeTest, ends_when_the_service_has_no_token_any_more) {
  start_session();
  answer_resume_with(R"({"SessionId":"test-1"})");
  service.cut();
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::timed_out);
  EXPECT_EQ(end_text(*outcome, "test-1"), "Session: test-1 timed out.\n");
}

TEST_F(ShellResumeTest, keeps_trying_while_the_api_fails_and_says_so_once) {
  start_session();
  int left = 3;
  service.answer = [&](const auto&) {
    return left-- > 0 ? json_answer(R"({"__type":"InternalServerError","message":"busy"})", 500)
                      : json_answer(service.start_answer());
  };
  service.cut();
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  ASSERT_TRUE(until([&] { return notes.size() == 3; }));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("connection lost"),
                                 "not yet: ResumeSession: InternalServerError: busy",
                                 "connection resumed"));
  EXPECT_EQ(service.calls.size(), 4U);
}

TEST_F(ShellResumeTest, ends_at_once_where_resuming_is_impossible) {
  start("strict", false);
  ASSERT_TRUE(until([&] { return service.texts.size() == 1; }));
  service.send_output("$ ");
  ASSERT_TRUE(until([&] { return service.acknowledged == 1; }));
  service.cut();
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::resume_exhausted);
  EXPECT_EQ(outcome->text, "there are no keys");
}

//= RESUME-006
TEST_F(ShellResumeTest, gives_up_a_first_connection_that_cannot_be_opened_with_the_reason) {
  service.refuse_upgrades_with = 403;
  start();
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::unreachable);
  EXPECT_THAT(end_text(*outcome, "test-1"),
              AllOf(HasSubstr("Cannot perform start session: the data channel cannot be opened"),
                    HasSubstr("403")));
  EXPECT_EQ(service.upgrades.size(), 7U);
}

//= RESUME-016
TEST_F(ShellResumeTest, as_the_old_plugin_dies_of_input_while_it_is_not_connected) {
  start_session("plugin-1.2.677");
  answer_resume_with("{}", 500);
  service.cut();
  ASSERT_TRUE(until([&] { return !service.calls.empty(); }));
  type("x");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(end_text(*outcome, "test-1"),
            "Cannot perform start session: Can't send message: Connection is closed.\n");
}

}  // namespace
}  // namespace ssm::client
