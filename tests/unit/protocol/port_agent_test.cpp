#include "ssm/protocol/port_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "port_fixture.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::seconds;
using test::agent_config;
using test::AgentScript;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* reference = "agent-3.3";

// ---- mux ----------------------------------------------------------------------------------------

TEST(PortAgentMux, dials_for_a_stream_before_any_data) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000");
  EXPECT_THAT(agent.events(), ElementsAre("dial 1"));
  agent.end.dialed(1, agent.now);
  EXPECT_THAT(agent.events(), IsEmpty());
  agent.data(1, "banner");
  EXPECT_THAT(agent.output(), ElementsAre("output 010206000300000062616e6e6572"));
}

TEST(PortAgentMux, delivers_what_came_during_the_dial) {
  for (const char* const rules : {"strict", reference}) {
    AgentScript agent(agent_config(PortMode::mux, rules));
    agent.receive("0100000003000000 010201000300000061 010201000300000062 0101000003000000");
    EXPECT_THAT(agent.events(), ElementsAre("dial 1"));
    agent.end.dialed(1, agent.now);
    EXPECT_THAT(agent.events(), ElementsAre("readable 1"));
    EXPECT_EQ(agent.read(1), "ab");
    EXPECT_TRUE(agent.end.read_ended(1));
  }
}

TEST(PortAgentMux, sends_flag_3_and_then_fin_for_a_refused_dial) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000 0100000005000000");
  agent.end.dialed(2, agent.now);
  agent.data(2, "x");
  agent.end.dial_failed(1, "connection refused", agent.now);
  EXPECT_THAT(agent.output(),
              ElementsAre("flag 00000003", "output 0101000003000000010201000500000078"));
  agent.receive("010201000500000079");
  EXPECT_EQ(agent.read(2), "y");
}

TEST(PortAgentMux, dials_many_at_once) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000 0100000005000000 0100000007000000");
  EXPECT_THAT(agent.events(), ElementsAre("dial 1", "dial 2", "dial 3"));
}

TEST(PortAgentMux, of_the_reference_dials_one_after_the_other) {
  AgentScript agent(agent_config(PortMode::mux, reference));
  agent.receive("0100000003000000 0100000005000000 0100000007000000");
  EXPECT_THAT(agent.events(), ElementsAre("dial 1"));
  agent.end.dialed(1, agent.now);
  EXPECT_THAT(agent.events(), ElementsAre("dial 2"));
  agent.end.dial_failed(2, "refused", agent.now);
  EXPECT_THAT(agent.events(), ElementsAre("dial 3"));
}

TEST(PortAgentMux, gives_a_dial_up_after_the_time_limit) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000");
  (void)agent.events();
  EXPECT_EQ(agent.end.next_timeout(), agent.now + seconds(30));
  agent.advance(seconds(30));
  EXPECT_THAT(agent.events(), ElementsAre("close 1: dial timeout"));
  EXPECT_THAT(agent.output(), ElementsAre("flag 00000003", "output 0101000003000000"));
  agent.end.dialed(1, agent.now);
  EXPECT_EQ(agent.data(1, "late"), 0U);
}

TEST(PortAgentMux, two_thousand_opens_to_a_refusing_destination_do_not_deadlock) {
  for (const char* const rules : {"strict", reference}) {
    AgentScript agent(agent_config(PortMode::mux, rules));
    std::size_t flags = 0;
    std::size_t fins = 0;
    for (std::uint32_t i = 0; i < 2000; ++i) {
      const auto syn = encode(SmuxHeader{.command = SmuxCommand::syn, .stream_id = 3 + 2 * i});
      while (!agent.end.receive(PayloadType::output, syn, agent.now)) {
        const auto events = agent.events();
        ASSERT_FALSE(events.empty());
        for (const std::string& event : events) {
          if (event.starts_with("dial ")) {
            agent.end.dial_failed(static_cast<PortConnection>(std::stoul(event.substr(5))),
                                  "refused", agent.now);
          }
        }
      }
    }
    for (auto events = agent.events(); !events.empty(); events = agent.events()) {
      for (const std::string& event : events) {
        if (event.starts_with("dial ")) {
          agent.end.dial_failed(static_cast<PortConnection>(std::stoul(event.substr(5))), "refused",
                                agent.now);
        }
      }
    }
    for (const std::string& line : agent.output()) {
      if (line == "flag 00000003") {
        ++flags;
      } else {
        fins += (line.size() - 7) / 16;
      }
    }
    EXPECT_EQ(fins, 2000U) << rules;
    EXPECT_GE(flags, 1024U) << rules;
  }
}

TEST(PortAgentMux, carries_half_close_both_ways) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000");
  agent.end.dialed(1, agent.now);
  (void)agent.events();
  agent.receive("0101000003000000");
  EXPECT_THAT(agent.events(), ElementsAre("readable 1"));
  EXPECT_TRUE(agent.end.read_ended(1));
  agent.data(1, "answer");
  agent.end.eof(1, agent.now);
  EXPECT_THAT(agent.output(), ElementsAre("output 0102060003000000616e737765720101000003000000"));
  EXPECT_THAT(agent.events(), ElementsAre("close 1: ended"));
}

TEST(PortAgentMux, of_the_reference_closes_both_ways_on_either_end) {
  AgentScript agent(agent_config(PortMode::mux, reference));
  agent.receive("0100000003000000");
  agent.end.dialed(1, agent.now);
  (void)agent.events();
  agent.receive("0101000003000000");
  EXPECT_THAT(agent.events(), ElementsAre("readable 1", "close 1: ended"));
  EXPECT_EQ(agent.data(1, "answer"), 0U);
  EXPECT_THAT(agent.output(), ElementsAre("output 0101000003000000"));
}

TEST(PortAgentMux, sends_what_the_destination_wrote_before_it_closed) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000");
  agent.end.dialed(1, agent.now);
  agent.data(1, "last words");
  agent.end.eof(1, agent.now);
  agent.receive("010201000300000061");
  agent.end.reset(1, agent.now);  // writing that byte failed
  agent.receive("010201000300000062");
  EXPECT_THAT(agent.output(),
              ElementsAre("output 01020a00030000006c61737420776f7264730101000003000000"));
  EXPECT_FALSE(agent.end.ended());
}

TEST(PortAgentMux, ends_on_flag_2_and_closes_every_destination) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000 0100000005000000");
  agent.end.dialed(1, agent.now);
  (void)agent.events();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(agent.receive_flag("00000002"));
    EXPECT_TRUE(agent.receive_flag("00000001"));
  }
  EXPECT_THAT(agent.events(),
              ElementsAre("close 1: session ended", "close 2: session ended", "end 0: "));
  EXPECT_THAT(agent.output(), IsEmpty());
}

TEST(PortAgentMux, ignores_flag_1_and_flags_that_are_none) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000");
  agent.end.dialed(1, agent.now);
  (void)agent.events();
  for (const char* const flag :
       {"00000001", "00000000", "00000004", "ffffffff", "", "02", "0000", "000002"}) {
    EXPECT_TRUE(agent.receive_flag(flag));
  }
  EXPECT_TRUE(agent.end.receive(PayloadType::size, as_bytes("{}"), agent.now));
  EXPECT_THAT(agent.events(), IsEmpty());
}

TEST(PortAgentMux, takes_the_first_four_bytes_of_a_longer_flag) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive_flag("0000000200");
  EXPECT_THAT(agent.events(), ElementsAre("end 0: "));
}

TEST(PortAgentMux, fails_after_an_error_of_the_multiplexer) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0109000003000000");
  EXPECT_THAT(agent.events(), ElementsAre("end 1: expected an smux command from 0 to 4, seen 9"));
}

TEST(PortAgentMux, accepts_whole_frames_above_1024_bytes) {
  AgentScript agent(agent_config(PortMode::mux));
  agent.receive("0100000003000000");
  agent.end.dialed(1, agent.now);
  agent.receive("0102008003000000" + test::to_hex(as_bytes(std::string(32768, 'x'))));
  EXPECT_EQ(agent.read(1).size(), 32768U);
}

TEST(PortAgentMux, with_keepalive_ends_in_silence) {
  PortAgentConfig config = agent_config(PortMode::mux, reference);
  config.choice.keepalive = true;
  AgentScript agent(config);
  agent.advance(seconds(10));
  EXPECT_THAT(agent.output(), ElementsAre("output 0103000000000000"));
  agent.advance(seconds(20));
  EXPECT_THAT(agent.events(),
              ElementsAre("end 1: expected a frame within the keep-alive time, seen none"));
}

TEST(PortAgentMux, strict_sends_keepalives_and_survives_silence) {
  PortAgentConfig config = agent_config(PortMode::mux);
  config.choice.keepalive = true;
  AgentScript agent(config);
  agent.advance(seconds(10));
  EXPECT_THAT(agent.output(), ElementsAre("output 0103000000000000"));
  agent.advance(std::chrono::hours(1));
  EXPECT_THAT(agent.events(), IsEmpty());
}

TEST(PortAgentMux, without_keepalive_survives_silence) {
  AgentScript agent(agent_config(PortMode::mux, reference));
  agent.advance(std::chrono::hours(1));
  EXPECT_THAT(agent.output(), IsEmpty());
  EXPECT_THAT(agent.events(), IsEmpty());
}

// ---- basic --------------------------------------------------------------------------------------

TEST(PortAgentBasic, dials_at_the_start_and_takes_nothing_before_it_is_connected) {
  AgentScript agent(agent_config(PortMode::basic));
  EXPECT_THAT(agent.events(), ElementsAre("dial 1"));
  EXPECT_FALSE(agent.receive_text("early"));
  agent.end.dialed(1, agent.now);
  EXPECT_THAT(agent.events(), ElementsAre("receive possible"));
  EXPECT_TRUE(agent.receive_text("early"));
  EXPECT_THAT(agent.events(), ElementsAre("readable 1"));
  EXPECT_EQ(agent.read(1), "early");
}

TEST(PortAgentBasic, ends_with_a_text_when_the_dial_fails) {
  AgentScript agent(agent_config(PortMode::basic));
  (void)agent.events();
  agent.end.dial_failed(1, "dial tcp: refused", agent.now);
  EXPECT_THAT(agent.events(),
              ElementsAre("end 1: Unable to connect to specified port: dial tcp: refused"));
  EXPECT_THAT(agent.output(), IsEmpty());
}

class PortAgentBasicConnected : public testing::Test {
 protected:
  explicit PortAgentBasicConnected(bool local_port_forwarding = true)
      : agent_([&] {
          PortAgentConfig config = agent_config(PortMode::basic);
          config.choice.local_port_forwarding = local_port_forwarding;
          return config;
        }()) {
    agent_.end.dialed(1, agent_.now);
    (void)agent_.events();
  }
  AgentScript agent_;
};

TEST_F(PortAgentBasicConnected, survives_the_end_of_the_destination_and_dials_for_the_next_bytes) {
  agent_.data(1, "bye");
  agent_.end.eof(1, agent_.now);
  EXPECT_THAT(agent_.output(), ElementsAre("output 627965"));
  EXPECT_THAT(agent_.events(), ElementsAre("close 1: ended"));
  EXPECT_TRUE(agent_.receive_text("again"));
  EXPECT_THAT(agent_.events(), ElementsAre("dial 2"));
  agent_.end.dialed(2, agent_.now);
  EXPECT_THAT(agent_.events(), ElementsAre("readable 2"));
  EXPECT_EQ(agent_.read(2), "again");
}

TEST_F(PortAgentBasicConnected, survives_a_reset_of_the_destination) {
  agent_.end.reset(1, agent_.now);
  EXPECT_THAT(agent_.events(), IsEmpty());
  agent_.receive_text("again");
  EXPECT_THAT(agent_.events(), ElementsAre("dial 2"));
}

TEST_F(PortAgentBasicConnected, gives_bytes_after_flag_1_to_a_new_connection) {
  agent_.receive_text("old");
  agent_.receive_flag("00000001");
  agent_.receive_text("new");
  EXPECT_THAT(agent_.events(), ElementsAre("readable 1", "dial 2"));
  EXPECT_EQ(agent_.read(1), "old");
  EXPECT_THAT(agent_.events(), ElementsAre("close 1: ended"));
  agent_.end.dialed(2, agent_.now);
  EXPECT_EQ(agent_.read(2), "new");
}

TEST_F(PortAgentBasicConnected, sends_nothing_of_a_connection_that_flag_1_has_ended) {
  agent_.data(1, "old");
  agent_.receive_flag("00000001");
  EXPECT_THAT(agent_.output(), IsEmpty());
  EXPECT_EQ(agent_.data(1, "old"), 0U);
}

TEST_F(PortAgentBasicConnected, stops_taking_input_that_the_destination_does_not_read) {
  std::size_t messages = 0;
  while (agent_.receive_text(std::string(1024, 'x'))) {
    ++messages;
  }
  EXPECT_EQ(messages, 64U);
  EXPECT_TRUE(agent_.receive_flag("00000002"));
  EXPECT_THAT(agent_.events(), ElementsAre("readable 1", "close 1: session ended", "end 0: "));
}

TEST_F(PortAgentBasicConnected, bounds_the_connections_that_wait_for_a_slow_destination) {
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    taken += agent_.receive_text("x") ? 1U : 0U;
    agent_.receive_flag("00000001");
  }
  EXPECT_LT(taken, 20U);
}

class PortAgentSsh : public PortAgentBasicConnected {
 protected:
  PortAgentSsh() : PortAgentBasicConnected(false) {}
};

TEST_F(PortAgentSsh, ends_well_when_all_bytes_of_the_destination_are_sent) {
  agent_.data(1, std::string(1500, 'x'));
  agent_.end.eof(1, agent_.now);
  EXPECT_THAT(agent_.events(), IsEmpty());
  EXPECT_EQ(agent_.output().size(), 2U);
  EXPECT_THAT(agent_.events(), ElementsAre("close 1: session ended", "end 0: "));
}

TEST_F(PortAgentSsh, fails_when_the_destination_resets) {
  agent_.end.reset(1, agent_.now);
  EXPECT_THAT(agent_.events(), ElementsAre("close 1: session ended", "end 1: "));
}

TEST_F(PortAgentSsh, fails_on_flag_1) {
  agent_.receive_flag("00000001");
  EXPECT_THAT(agent_.events(), ElementsAre("close 1: session ended", "end 1: "));
}

}  // namespace
}  // namespace ssm::protocol
