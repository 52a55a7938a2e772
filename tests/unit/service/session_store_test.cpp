#include "ssm/service/session_store.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::start_ms;
using enum SessionStatus;

class SessionStoreTest : public ::testing::Test {
 protected:
  [[nodiscard]] static NewSession made_by(std::string_view user) {
    NewSession session;
    session.owner = iam_user(user);
    session.target = "i-123456789";
    session.document_name = "SSM-SessionManagerRunShell";
    return session;
  }
  std::string create(std::string_view user = "alice") {
    const Session* session = store.create(made_by(user), start_ms);
    EXPECT_NE(session, nullptr);
    return session == nullptr ? std::string() : session->id;
  }
  [[nodiscard]] std::vector<std::string> active_ids() const {
    std::vector<std::string> ids;
    store.visit_active([&ids](const Session& session) {
      ids.push_back(session.id);
      return true;
    });
    return ids;
  }
  [[nodiscard]] std::vector<std::string> history_ids() const {
    std::vector<std::string> ids;
    store.visit_history([&ids](const Session& session) {
      ids.push_back(session.id);
      return true;
    });
    return ids;
  }

  SessionStore store{test::counting_random(), {.max_active = 3, .max_history = 2}};
};

//= SVC-016
TEST_F(SessionStoreTest, ids_are_the_users_name_a_dash_and_26_characters) {
  const std::string id = create("alice@example.com");
  EXPECT_EQ(id.substr(0, 18), "alice@example.com-");
  EXPECT_EQ(id.size(), 18U + 26U);
  EXPECT_EQ(id.substr(18).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"),
            std::string::npos);
}

//= SVC-016
TEST_F(SessionStoreTest, names_are_made_safe_for_paths_and_keys) {
  EXPECT_EQ(create("a+b=c,d/../\xC3\xA9").substr(0, 14), "a-b-c-d-..----");
  EXPECT_EQ(create("").substr(0, 8), "session-");
}

//= SVC-015
TEST_F(SessionStoreTest, ids_of_long_names_have_96_characters) {
  const std::string id = create(std::string(200, 'n'));
  EXPECT_EQ(id.size(), 96U);
  EXPECT_EQ(id.substr(0, 70), std::string(69, 'n') + "-");
}

TEST_F(SessionStoreTest, finds_sessions_by_id) {
  const std::string first = create();
  const std::string second = create();
  ASSERT_NE(store.find(second), nullptr);
  EXPECT_EQ(store.find(second)->id, second);
  EXPECT_EQ(store.find(first)->status, connecting);
  EXPECT_EQ(store.find(first)->started_ms, start_ms);
  EXPECT_EQ(store.find("alice-unknown"), nullptr);
  EXPECT_EQ(store.find(""), nullptr);
}

TEST_F(SessionStoreTest, refuses_more_active_sessions_than_its_limit) {
  const std::string first = create();
  create();
  create();
  EXPECT_EQ(store.create(made_by("bob"), start_ms), nullptr);
  ASSERT_TRUE(store.end(first, terminated, "", start_ms));
  EXPECT_NE(store.create(made_by("bob"), start_ms), nullptr);
}

TEST_F(SessionStoreTest, forgets_the_oldest_of_a_full_history) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(create());
    ASSERT_TRUE(store.end(ids.back(), terminated, "", start_ms));
  }
  EXPECT_EQ(store.find(ids[0]), nullptr);
  EXPECT_EQ(history_ids(), (std::vector{ids[2], ids[1]}));
}

TEST_F(SessionStoreTest, a_store_without_history_forgets_at_once) {
  SessionStore forgetful(test::counting_random(), {.max_history = 0});
  const std::string id = forgetful.create(made_by("alice"), start_ms)->id;
  EXPECT_TRUE(forgetful.end(id, failed, "", start_ms));
  EXPECT_EQ(forgetful.find(id), nullptr);
  EXPECT_EQ(forgetful.history_count(), 0U);
}

TEST_F(SessionStoreTest, visits_newest_first_and_from_a_position) {
  const std::string a = create();
  const std::string b = create();
  const std::string c = create();
  EXPECT_EQ(active_ids(), (std::vector{c, b, a}));
  std::vector<std::string> older;
  store.visit_active(
      [&older](const Session& session) {
        older.push_back(session.id);
        return false;
      },
      store.find(c)->order);
  EXPECT_EQ(older, std::vector{b});
}

TEST_F(SessionStoreTest, moves_between_active_states) {
  const std::string id = create();
  EXPECT_TRUE(store.set_status(id, connected, start_ms));
  EXPECT_TRUE(store.set_status(id, disconnected, start_ms));
  EXPECT_TRUE(store.set_status(id, connected, start_ms));
  EXPECT_FALSE(store.set_status(id, connecting, start_ms));
  EXPECT_EQ(store.find(id)->status, connected);
}

TEST_F(SessionStoreTest, a_terminating_session_is_history_and_ends_once) {
  const std::string id = create();
  EXPECT_TRUE(store.set_status(id, terminating, start_ms + 5));
  EXPECT_EQ(store.active_count(), 0U);
  EXPECT_FALSE(store.set_status(id, connected, start_ms));
  EXPECT_TRUE(store.end(id, terminated, "done", start_ms + 9));
  EXPECT_EQ(store.find(id)->ended_ms, start_ms + 9);
  EXPECT_FALSE(store.end(id, failed, "again", start_ms + 10));
  EXPECT_EQ(store.find(id)->details, "done");
  EXPECT_EQ(store.find(id)->status, terminated);
}

TEST_F(SessionStoreTest, set_status_does_not_end_sessions_or_revive_them) {
  const std::string id = create();
  EXPECT_FALSE(store.set_status(id, terminated, start_ms));
  EXPECT_FALSE(store.set_status(id, failed, start_ms));
  ASSERT_TRUE(store.end(id, failed, "", start_ms));
  for (const SessionStatus status : {connecting, connected, disconnected, terminating}) {
    EXPECT_FALSE(store.set_status(id, status, start_ms));
  }
  EXPECT_FALSE(store.set_status("unknown", connected, start_ms));
}

//= SVC-015
TEST_F(SessionStoreTest, tokens_fit_the_model_and_differ) {
  const std::string id = create();
  const auto first = store.issue_client_token(id, start_ms);
  const auto second = store.issue_client_token(id, start_ms);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->reveal().size(), 43U);
  EXPECT_NE(first->reveal(), second->reveal());
}

//= SVC-017
TEST_F(SessionStoreTest, a_token_is_accepted_once) {
  const std::string id = create();
  const Secret token = *store.issue_client_token(id, start_ms);
  EXPECT_EQ(store.accept_client_token(id, token.reveal(), start_ms), TokenVerdict::ok);
  EXPECT_EQ(store.accept_client_token(id, token.reveal(), start_ms), TokenVerdict::used);
}

TEST_F(SessionStoreTest, a_late_client_gets_a_token_for_an_ended_session_until_its_time_is_over) {
  const std::string id = create();
  store.allow_late_resume(id, start_ms + 1000);
  EXPECT_TRUE(store.end(id, SessionStatus::terminated, "", start_ms));
  EXPECT_FALSE(store.issue_client_token(id, start_ms)) << "only what is said after the end counts";
  store.allow_late_resume(id, start_ms + 1000);
  EXPECT_TRUE(store.takes_client(id, start_ms));
  EXPECT_FALSE(store.issue_agent_token(id, start_ms));
  const std::optional<Secret> token = store.issue_client_token(id, start_ms);
  ASSERT_TRUE(token);
  EXPECT_EQ(store.accept_client_token(id, token->reveal(), start_ms + 999), TokenVerdict::ok);
  EXPECT_FALSE(store.takes_client(id, start_ms + 1000));
  EXPECT_FALSE(store.issue_client_token(id, start_ms + 1000));
}

TEST_F(SessionStoreTest, a_client_that_is_late_for_the_first_time_has_its_token_still) {
  const std::string id = create();
  const std::optional<Secret> token = store.issue_client_token(id, start_ms);
  EXPECT_TRUE(store.end(id, SessionStatus::failed, "", start_ms));
  EXPECT_EQ(store.accept_client_token(id, token->reveal(), start_ms), TokenVerdict::ended);
  store.allow_late_resume(id, start_ms + 1000);
  EXPECT_EQ(store.accept_client_token(id, token->reveal(), start_ms), TokenVerdict::ok);
}

TEST_F(SessionStoreTest, a_refused_token_leaves_the_good_one_usable) {
  const std::string id = create();
  const Secret token = *store.issue_client_token(id, start_ms);
  EXPECT_EQ(store.accept_client_token(id, "wrong", start_ms), TokenVerdict::wrong);
  EXPECT_EQ(store.accept_client_token(id, "", start_ms), TokenVerdict::wrong);
  EXPECT_EQ(store.accept_client_token(id, token.reveal() + "x", start_ms), TokenVerdict::wrong);
  EXPECT_EQ(store.accept_client_token(id, token.reveal(), start_ms), TokenVerdict::ok);
}

TEST_F(SessionStoreTest, a_token_expires_after_sixty_seconds) {
  const std::string id = create();
  const Secret late = *store.issue_client_token(id, start_ms);
  EXPECT_EQ(store.accept_client_token(id, late.reveal(), start_ms + 60'000), TokenVerdict::expired);
  EXPECT_EQ(store.accept_client_token(id, late.reveal(), start_ms + 59'999), TokenVerdict::ok);
}

//= AUTH-028
TEST_F(SessionStoreTest, a_token_of_another_session_is_wrong) {
  const std::string mine = create();
  const std::string other = create();
  const Secret token = *store.issue_client_token(mine, start_ms);
  EXPECT_EQ(store.accept_client_token(other, token.reveal(), start_ms), TokenVerdict::wrong);
}

//= AUTH-028
TEST_F(SessionStoreTest, client_and_agent_tokens_are_not_interchangeable) {
  const std::string id = create();
  const Secret client = *store.issue_client_token(id, start_ms);
  const Secret agent = *store.issue_agent_token(id, start_ms);
  EXPECT_EQ(store.accept_agent_token(id, client.reveal(), start_ms), TokenVerdict::wrong);
  EXPECT_EQ(store.accept_client_token(id, agent.reveal(), start_ms), TokenVerdict::wrong);
  EXPECT_EQ(store.accept_agent_token(id, agent.reveal(), start_ms), TokenVerdict::ok);
  EXPECT_EQ(store.accept_client_token(id, client.reveal(), start_ms), TokenVerdict::ok);
}

TEST_F(SessionStoreTest, tokens_of_ended_and_unknown_sessions_are_refused) {
  const std::string id = create();
  const Secret token = *store.issue_client_token(id, start_ms);
  ASSERT_TRUE(store.end(id, terminated, "", start_ms));
  EXPECT_EQ(store.accept_client_token(id, token.reveal(), start_ms), TokenVerdict::ended);
  EXPECT_EQ(store.accept_client_token("nobody", token.reveal(), start_ms),
            TokenVerdict::unknown_session);
  EXPECT_FALSE(store.issue_client_token(id, start_ms));
  EXPECT_FALSE(store.issue_agent_token("nobody", start_ms));
}

TEST_F(SessionStoreTest, keeps_the_eight_newest_tokens) {
  const std::string id = create();
  const Secret oldest = *store.issue_client_token(id, start_ms);
  const Secret second = *store.issue_client_token(id, start_ms);
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(store.issue_client_token(id, start_ms));
  }
  EXPECT_EQ(store.accept_client_token(id, oldest.reveal(), start_ms), TokenVerdict::wrong);
  EXPECT_EQ(store.accept_client_token(id, second.reveal(), start_ms), TokenVerdict::ok);
}

TEST(SessionStatus, texts_and_parsing_agree) {
  for (const SessionStatus status :
       {connecting, connected, disconnected, terminating, terminated, failed}) {
    EXPECT_EQ(parse_session_status(to_text(status)), status);
  }
  EXPECT_EQ(to_text(disconnected), "Disconnected");
  EXPECT_FALSE(parse_session_status("connected"));
}

}  // namespace
}  // namespace ssm::service
