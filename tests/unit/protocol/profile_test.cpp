#include "ssm/protocol/profile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <vector>

namespace ssm::protocol {
namespace {

std::vector<int> numbers(std::string_view version) {
  std::vector<int> all;
  while (!version.empty()) {
    const std::string_view part = version.substr(0, version.find('.'));
    int number = -1;
    std::from_chars(part.data(), part.data() + part.size(), number);
    all.push_back(number);
    version.remove_prefix(std::min(version.size(), part.size() + 1));
  }
  return all;
}

TEST(Profile, every_name_of_the_list_is_found) {
  std::set<std::string_view> names;
  for (const ClientProfile& profile : client_profiles()) {
    EXPECT_EQ(find_client_profile(profile.name), &profile);
    EXPECT_TRUE(names.insert(profile.name).second) << profile.name;
  }
  names.clear();
  for (const AgentProfile& profile : agent_profiles()) {
    EXPECT_EQ(find_agent_profile(profile.name), &profile);
    EXPECT_TRUE(names.insert(profile.name).second) << profile.name;
  }
}

TEST(Profile, the_documented_names_exist_and_strict_comes_first) {
  EXPECT_EQ(client_profiles().front().name, "strict");
  EXPECT_EQ(agent_profiles().front().name, "strict");
  EXPECT_NE(find_client_profile("plugin-1.2.677"), nullptr);
  EXPECT_NE(find_agent_profile("agent-3.3"), nullptr);
}

TEST(Profile, unknown_names_are_not_found) {
  for (const std::string_view name : {"", "Strict", "plugin", "agent-3.3 ", "no such thing"}) {
    EXPECT_EQ(find_client_profile(name), nullptr) << name;
    EXPECT_EQ(find_agent_profile(name), nullptr) << name;
  }
  EXPECT_EQ(find_agent_profile("plugin-1.2.677"), nullptr);
  EXPECT_EQ(find_client_profile("agent-3.3"), nullptr);
}

// Both comparisons take four numbers; other counts fall into special cases.
TEST(Profile, versions_have_four_numbers) {
  for (const ClientProfile& profile : client_profiles()) {
    EXPECT_EQ(numbers(profile.version).size(), 4U) << profile.version;
  }
  for (const AgentProfile& profile : agent_profiles()) {
    EXPECT_EQ(numbers(profile.version).size(), 4U) << profile.version;
  }
}

TEST(Profile, client_versions_pass_every_gate_of_the_agent_and_the_cli) {
  for (const ClientProfile& profile : client_profiles()) {
    for (const std::string_view gate : {"1.1.70.0", "1.2.295.0", "1.2.331.0", "1.2.497.0"}) {
      EXPECT_GT(numbers(profile.version), numbers(gate)) << profile.name;
    }
  }
}

TEST(Profile, agent_versions_pass_every_gate_of_the_plugin) {
  for (const AgentProfile& profile : agent_profiles()) {
    for (const std::string_view gate : {"2.3.722.0", "3.0.196.0", "3.1.1511.0"}) {
      EXPECT_GT(numbers(profile.version), numbers(gate)) << profile.name;
    }
  }
}

TEST(Profile, strict_never_sends_more_than_any_receiver_holds_ahead_of_a_gap) {
  std::vector<const ChannelRules*> all;
  for (const ClientProfile& profile : client_profiles()) {
    all.push_back(&profile.channel);
  }
  for (const AgentProfile& profile : agent_profiles()) {
    all.push_back(&profile.channel);
  }
  for (const ChannelRules* sender : all) {
    if (sender->send.when_full != WhenFull::refuse) {
      continue;
    }
    for (const ChannelRules* receiver : all) {
      EXPECT_LE(sender->send.buffer_messages, receiver->receive.buffer_messages);
      if (receiver->receive.buffer_bytes != 0) {
        // 1027 bytes of payload, 28 of encryption.
        EXPECT_LE(sender->send.buffer_messages * encoded_size(1027 + 28),
                  receiver->receive.buffer_bytes);
      }
    }
  }
}

TEST(Profile, strict_has_none_of_the_defects) {
  const ClientProfile& client = *find_client_profile("strict");
  const AgentProfile& agent = *find_agent_profile("strict");
  EXPECT_FALSE(client.input_while_disconnected_is_fatal);
  EXPECT_FALSE(client.hangs_after_last_try);
  EXPECT_FALSE(client.newline_rewrite_spares_nothing);
  EXPECT_TRUE(client.adopts_resumed_url);
  EXPECT_FALSE(agent.damages_replacement_character);
  for (const ChannelRules& channel : {client.channel, agent.channel}) {
    EXPECT_EQ(channel.message, strict_message_rules);
    EXPECT_TRUE(channel.send.keep_unwritten);
    EXPECT_TRUE(channel.send.resend_restarts_timer);
    EXPECT_FALSE(channel.send.dies_after_limit);
    EXPECT_TRUE(channel.receive.ack_duplicates);
    EXPECT_FALSE(channel.receive.drain_ignores_payload_type);
    EXPECT_NE(channel.receive.buffer_bytes, 0U);
  }
}

//= SEQ-007
//= SEQ-008
TEST(Profile, everyone_but_the_plugin_acknowledges_duplicates) {
  EXPECT_FALSE(find_client_profile("plugin-1.2.677")->channel.receive.ack_duplicates);
  EXPECT_TRUE(find_client_profile("strict")->channel.receive.ack_duplicates);
  EXPECT_TRUE(find_agent_profile("agent-3.3")->channel.receive.ack_duplicates);
  EXPECT_TRUE(find_agent_profile("strict")->channel.receive.ack_duplicates);
}

TEST(Profile, references_check_messages_as_their_programs_do) {
  EXPECT_EQ(find_client_profile("plugin-1.2.677")->channel.message, plugin_message_rules);
  EXPECT_EQ(find_agent_profile("agent-3.3")->channel.message, agent_message_rules);
}

}  // namespace
}  // namespace ssm::protocol
