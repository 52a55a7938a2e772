#include "ssm/agent/agent_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include "session_fixture.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::agent {
namespace {

using protocol::AgentEnd;
using protocol::MessageType;
using protocol::PayloadType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using AgentSessionTest = test::SessionTest;

protocol::OpenDataChannel opening(const std::string& text) {
  return protocol::parse_open_data_channel(protocol::as_bytes(text)).value();
}

std::string request_id(const net::HttpRequest& request) {
  const std::string marker = R"("RequestId":")";
  return request.body.substr(request.body.find(marker) + marker.size(), 36);
}

// --- opening ------------------------------------------------------------------------------------

TEST_F(AgentSessionTest, gets_a_token_and_opens_the_channel_with_it) {
  start_script("exit");
  ASSERT_TRUE(wait_for_end());
  ASSERT_EQ(service_->requests.size(), 1U);
  EXPECT_EQ(service_->requests[0].method, "POST");
  EXPECT_EQ(service_->requests[0].target, "/v1/data-channel/user-0123");
  ASSERT_EQ(service_->upgrades.size(), 1U);
  EXPECT_EQ(service_->upgrades[0].target, "/v1/data-channel/user-0123?role=publish_subscribe");
  ASSERT_EQ(service_->texts.size(), 1U);
  const protocol::OpenDataChannel open = opening(service_->texts[0]);
  EXPECT_EQ(open.token_value, "token&1");
  EXPECT_EQ(open.client_instance_id, "i-0123456789abcdef0");
  EXPECT_EQ(open.client_id, "");
}

TEST_F(AgentSessionTest, signs_both_requests) {
  sign_ = [](net::HttpRequest& request, std::string_view service) {
    request.headers.push_back({"Authorization", "for " + std::string(service)});
  };
  start_script("exit");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(service_->requests.at(0).header("Authorization"), "for ssmmessages");
  EXPECT_EQ(service_->upgrades.at(0).header("Authorization"), "for ssmmessages");
}

TEST_F(AgentSessionTest, says_connected_before_its_first_output) {
  start_script("echo hello; exec sleep 1000");
  ASSERT_TRUE(wait_for_output("hello\r\n"));
  ASSERT_GE(service_->messages.size(), 2U);
  EXPECT_EQ(service_->messages[0].type, MessageType::agent_session_state);
  EXPECT_EQ(service_->messages[0].flags, 3U);
  EXPECT_THAT(service_->states(), ElementsAre("Connected"));
  EXPECT_EQ(service_->messages[1].type, MessageType::output_stream_data);
  EXPECT_EQ(service_->messages[1].payload_type, PayloadType::output);
  EXPECT_EQ(service_->messages[1].sequence, 0);
  EXPECT_EQ(service_->messages[1].flags, 1U);
}

TEST_F(AgentSessionTest, tries_again_after_a_refusal_and_gives_up_at_last) {
  profile_.channel.reconnect.retries = 2;
  profile_.channel.reconnect.delay_min = std::chrono::milliseconds(1);
  profile_.channel.reconnect.delay_jitter = std::chrono::milliseconds(1);
  service_->answer = [] { return net::HttpResponse{.status = 400, .headers = {}, .body = "no!"}; };
  start_script("exit");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::failed);
  EXPECT_EQ(service_->requests.size(), 3U);
  EXPECT_THAT(end_text_, StartsWith("Setting up data channel with id user-0123 failed: "));
  EXPECT_THAT(end_text_, HasSubstr("no!"));
}

TEST_F(AgentSessionTest, does_not_try_again_when_the_session_is_terminated) {
  service_->answer = [] {
    return net::HttpResponse{.status = 400, .headers = {}, .body = "Session is already terminated"};
  };
  start_script("exit");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::failed);
  EXPECT_EQ(service_->requests.size(), 1U);
}

TEST_F(AgentSessionTest, fails_when_its_program_cannot_start) {
  start({"no-such-shell"});
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::failed);
  EXPECT_THAT(end_text_, HasSubstr("cannot start no-such-shell"));
  EXPECT_THAT(service_->states(), ElementsAre("Connected"));
}

TEST_F(AgentSessionTest, waits_before_its_first_output_where_the_profile_says_so) {
  profile_.first_output_wait = std::chrono::milliseconds(200);
  const net::Instant begin = net::EventLoop::now();
  start_script("echo hello; exec sleep 1000");
  ASSERT_TRUE(wait_for_output("hello"));
  EXPECT_GE(net::EventLoop::now() - begin, profile_.first_output_wait);
}

// --- data ---------------------------------------------------------------------------------------

TEST_F(AgentSessionTest, types_input_and_acknowledges_it) {
  start({"cat"});
  ASSERT_TRUE(wait_for_connections(1));
  service_->send_input("hello\n");
  ASSERT_TRUE(wait_for_output("hello\r\nhello\r\n"));
  EXPECT_TRUE(until([this] { return service_->unacknowledged_input() == 0; }));
}

TEST_F(AgentSessionTest, applies_the_terminal_size) {
  start_script("trap 'stty size' WINCH; echo ready; read line; sleep 1000 & wait");
  ASSERT_TRUE(wait_for_output("ready"));
  service_->send_input(R"({"cols":300,"rows":100})", PayloadType::size);
  service_->send_input("\n");
  EXPECT_TRUE(wait_for_output("100 300\r\n"));
}

TEST_F(AgentSessionTest, splits_no_character_between_messages) {
  start_script("i=0; while [ $i -lt 3000 ]; do printf '\\342\\202\\254x'; i=$((i+1)); done; exit");
  ASSERT_TRUE(wait_for_end());
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    expected += "\xE2\x82\xACx";
  }
  EXPECT_EQ(service_->output(), expected);
  EXPECT_LE(service_->largest_output, profile_.chunk_bytes + 3);
  for (const auto& message : service_->messages) {
    if (message.type == MessageType::output_stream_data) {
      EXPECT_NE(static_cast<unsigned char>(message.payload.front()) & 0xC0U, 0x80U);
    }
  }
}

TEST_F(AgentSessionTest, sends_invalid_bytes_at_the_end_too) {
  start_script("printf 'abc\\377'");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(service_->output(), "abc\xFF");
}

TEST_F(AgentSessionTest, carries_input_in_order_through_a_slow_terminal) {
  std::string input;
  for (int i = 0; i < 20000; ++i) {
    input += "line " + std::to_string(i) + "\n";
  }
  start_script("stty -echo; echo ready; head -c " + std::to_string(input.size()) + " | cksum");
  ASSERT_TRUE(wait_for_output("ready"));
  for (std::size_t at = 0; at < input.size(); at += 1024) {
    service_->send_input(std::string_view(input).substr(at, 1024));
  }
  ASSERT_TRUE(wait_for_end());
  // POSIX cksum of the same text, from the program itself.
  FILE* const file =
      ::popen("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done | cksum", "r");
  std::array<char, 64> expected{};
  EXPECT_NE(std::fgets(expected.data(), static_cast<int>(expected.size()), file), nullptr);
  ::pclose(file);
  std::string checksum(expected.data());
  checksum.pop_back();
  EXPECT_THAT(service_->output(), HasSubstr(checksum));
}

TEST_F(AgentSessionTest, types_the_shell_profile_before_the_clients_input) {
  shell_profile_ = "echo from the profile";
  start_script("stty -echo; echo ready; read one; echo got $one; read two; echo got $two");
  ASSERT_TRUE(wait_for_connections(1));
  service_->send_input("typed\n");
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(service_->output(),
              testing::ContainsRegex("got echo from the profile[^q]*got typed"));
}

TEST_F(AgentSessionTest, types_no_blank_shell_profile) {
  shell_profile_ = " \n";
  start_script("stty -echo; echo ready; read one; echo got $one");
  ASSERT_TRUE(wait_for_output("ready"));
  service_->send_input("typed\n");
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(service_->output(), HasSubstr("got typed"));
}

// --- limits -------------------------------------------------------------------------------------

TEST_F(AgentSessionTest, reads_no_more_output_than_its_window_takes) {
  profile_.channel.send.buffer_messages = 16;
  service_->stop_acknowledging();
  start_script("head -c 50000000 /dev/zero");
  // Connected, 16 messages, and then only repetitions of them.
  ASSERT_TRUE(until([this] { return service_->messages.size() > 20; }));
  for (const auto& message : service_->messages) {
    EXPECT_LT(message.sequence, 16);
  }
  service_->acknowledge_all_output();
  EXPECT_TRUE(wait_for_output(std::string(std::size_t{100} * 1024, '\0')));
}

TEST_F(AgentSessionTest, sends_no_output_while_publication_is_paused) {
  start_script("echo $$; read line; sleep 0.05; echo after");
  const pid_t program = wait_for_pid();
  service_->send_input("\n");
  service_->send(MessageType::pause_publication, "{}");
  ASSERT_TRUE(wait_until_gone(program));
  EXPECT_THAT(service_->output(), Not(HasSubstr("after")));
  service_->send(MessageType::start_publication, "{}");
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(service_->output(), HasSubstr("after"));
}

TEST_F(AgentSessionTest, takes_no_endless_input_for_a_program_that_reads_none) {
  profile_.channel.receive.buffer_bytes = std::size_t{256} * 1024;
  start_script("stty raw -echo; echo ready; exec sleep 1000");
  ASSERT_TRUE(wait_for_output("ready"));
  const std::string piece(1024, 'x');
  for (int i = 0; i < 2000; ++i) {
    service_->send_input(piece);
  }
  // Held back through TCP first; then not acknowledged, so that what comes behind is seen.
  service_->close_channel();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::cancelled);
  EXPECT_GT(service_->unacknowledged_input(), 1000U);
  EXPECT_LT(service_->unacknowledged_input(), 2000U);
}

TEST_F(AgentSessionTest, input_that_waits_does_not_keep_acknowledgements_back) {
  // The program writes much more than it reads, and waits with both until it can write on.
  profile_.channel.send.buffer_messages = 16;
  start_script(
      "stty raw -echo; echo ready; while :; do head -c 512 >/dev/null; head -c 65536 /dev/zero; "
      "done");
  ASSERT_TRUE(wait_for_output("ready"));
  const std::string piece(1024, 'x');
  for (int i = 0; i < 300; ++i) {
    service_->send_input(piece);
  }
  EXPECT_TRUE(until([this] { return service_->output().size() > std::size_t{4} * 1024 * 1024; }));
}

// --- end ----------------------------------------------------------------------------------------

TEST_F(AgentSessionTest, reports_terminating_after_all_output_and_drops_the_connection) {
  start_script("seq 1 5000; exit 3");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::success);
  EXPECT_TRUE(service_->output().ends_with("\r\n5000\r\n"));
  EXPECT_THAT(service_->states(), ElementsAre("Connected", "Terminating"));
  EXPECT_EQ(service_->messages.back().type, MessageType::agent_session_state);
  ASSERT_TRUE(until([this] { return service_->ends.size() == 1; }));
  EXPECT_EQ(service_->ends[0].code, 1006);
}

TEST_F(AgentSessionTest, ends_its_program_at_channel_closed_without_terminating) {
  start_script("echo $$; trap '' HUP; while :; do sleep 1000; done");
  const pid_t program = wait_for_pid();
  service_->close_channel();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::cancelled);
  EXPECT_TRUE(test::process_gone(program));
  EXPECT_THAT(service_->states(), ElementsAre("Connected"));
  ASSERT_TRUE(until([this] { return service_->ends.size() == 1; }));
  EXPECT_EQ(service_->ends[0].code, 1006);
}

TEST_F(AgentSessionTest, cancel_ends_it_like_channel_closed) {
  start_script("echo $$; exec sleep 1000");
  const pid_t program = wait_for_pid();
  session_->cancel();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::cancelled);
  EXPECT_TRUE(test::process_gone(program));
}

TEST_F(AgentSessionTest, cancel_works_before_the_connection_is_open) {
  start_script("exit");
  session_->cancel();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::cancelled);
  EXPECT_TRUE(service_->messages.empty());
}

TEST_F(AgentSessionTest, destroying_kills_the_program_at_once) {
  start_script("echo $$; trap '' HUP; while :; do sleep 1000; done");
  const pid_t program = wait_for_pid();
  session_.reset();
  EXPECT_TRUE(test::process_gone(program));
  EXPECT_FALSE(end_);
}

TEST_F(AgentSessionTest, destroying_is_safe_at_every_step) {
  for (int step = 0; step < 30; ++step) {
    start_script("echo hello; sleep 1000");
    int steps = 0;
    ASSERT_TRUE(until([&] { return ++steps > step; }));
    session_.reset();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << step;
  }
  EXPECT_FALSE(end_);
}

// --- reconnection -------------------------------------------------------------------------------

TEST_F(AgentSessionTest, opens_a_new_connection_with_a_new_token_after_a_cut) {
  start({"cat"});
  ASSERT_TRUE(wait_for_connections(1));
  service_->send_input("one\n");
  ASSERT_TRUE(wait_for_output("one\r\none\r\n"));
  service_->cut();
  ASSERT_TRUE(wait_for_connections(2));
  EXPECT_EQ(opening(service_->texts[1]).token_value, "token&2");
  EXPECT_NE(request_id(service_->requests[0]), request_id(service_->requests[1]));
  service_->send_input("two\n");
  ASSERT_TRUE(wait_for_output("two\r\ntwo\r\n"));
  EXPECT_THAT(service_->states(), ElementsAre("Connected"));
}

TEST_F(AgentSessionTest, keeps_one_request_id_for_all_tries_after_one_cut) {
  profile_.channel.reconnect.delay_min = std::chrono::milliseconds(1);
  profile_.channel.reconnect.delay_jitter = std::chrono::milliseconds(1);
  start({"cat"});
  ASSERT_TRUE(wait_for_connections(1));
  int refusals = 2;
  service_->answer = [&]() -> std::optional<net::HttpResponse> {
    if (refusals-- > 0) {
      return net::HttpResponse{.status = 500, .headers = {}, .body = "later"};
    }
    return std::nullopt;
  };
  service_->cut();
  ASSERT_TRUE(wait_for_connections(2));
  ASSERT_EQ(service_->requests.size(), 4U);
  EXPECT_EQ(request_id(service_->requests[1]), request_id(service_->requests[2]));
  EXPECT_EQ(request_id(service_->requests[1]), request_id(service_->requests[3]));
  EXPECT_NE(request_id(service_->requests[0]), request_id(service_->requests[1]));
}

TEST_F(AgentSessionTest, sends_unacknowledged_output_again_on_the_new_connection) {
  service_->stop_acknowledging();
  start_script("echo hello; exec sleep 1000");
  ASSERT_TRUE(wait_for_output("hello"));
  service_->cut();
  EXPECT_TRUE(until([this] {
    const auto& last = service_->messages.back();
    return last.connection == 2 && last.type == MessageType::output_stream_data &&
           last.sequence == 0;
  }));
  EXPECT_EQ(service_->output(), "hello\r\n");
}

TEST_F(AgentSessionTest, loses_nothing_of_a_flood_that_is_cut_again_and_again) {
  start_script("seq 1 200000; exit");
  std::size_t seen = 0;
  for (std::size_t cut = 1; cut <= 5; ++cut) {
    ASSERT_TRUE(
        until([&] { return service_->connected() && service_->output().size() > seen + 50'000; }));
    seen = service_->output().size();
    service_->cut();
  }
  ASSERT_TRUE(wait_for_end());
  std::string expected;
  for (int i = 1; i <= 200000; ++i) {
    expected += std::to_string(i) + "\r\n";
  }
  EXPECT_TRUE(service_->output() == expected) << service_->output().size();
  EXPECT_GE(service_->requests.size(), 6U);
}

TEST_F(AgentSessionTest, ends_its_program_when_the_connection_cannot_be_restored) {
  profile_.channel.reconnect.retries = 1;
  profile_.channel.reconnect.delay_min = std::chrono::milliseconds(1);
  profile_.channel.reconnect.delay_jitter = std::chrono::milliseconds(1);
  start_script("echo $$; exec sleep 1000");
  const pid_t program = wait_for_pid();
  service_->answer = [] { return net::HttpResponse{.status = 500, .headers = {}, .body = "gone"}; };
  service_->cut();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(test::process_gone(program));
}

TEST_F(AgentSessionTest, reconnects_when_no_pong_comes) {
  // A peer that does not read does not answer pings.
  profile_.ping_interval = std::chrono::milliseconds(20);
  profile_.pong_wait = std::chrono::milliseconds(50);
  start_script("exec sleep 1000");
  ASSERT_TRUE(wait_for_connections(1));
  service_->pause_reading();
  EXPECT_TRUE(until([this] { return service_->requests.size() >= 2; }));
}

}  // namespace
}  // namespace ssm::agent
