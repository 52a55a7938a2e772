#include "ssm/protocol/profile.hpp"

#include <gtest/gtest.h>

#include "ssm/protocol/version.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
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

bool is_official(std::string_view name) {
  return name == "strict" || name.starts_with("plugin-") || name.starts_with("agent-");
}

// Both comparisons take four numbers; other counts fall into special cases.
TEST(Profile, versions_of_official_programs_have_four_numbers) {
  for (const ClientProfile& profile : client_profiles()) {
    EXPECT_TRUE(numbers(profile.version).size() == 4U || !is_official(profile.name))
        << profile.name;
  }
  for (const AgentProfile& profile : agent_profiles()) {
    EXPECT_EQ(numbers(profile.version).size(), 4U) << profile.name;
  }
}

TEST(Profile, current_versions_pass_every_gate_of_the_other_side) {
  for (const char* name : {"strict", "plugin-1.2.677", "plugin-1.2.835"}) {
    const std::string_view version = find_client_profile(name)->version;
    EXPECT_FALSE(agent_gate::client_mixes_output(version)) << name;
    EXPECT_TRUE(agent_gate::client_multiplexes(version)) << name;
    EXPECT_TRUE(agent_gate::keep_alive_is_off(version)) << name;
    // The form of the AWS CLI's arguments.
    EXPECT_GT(numbers(version), numbers("1.2.497.0")) << name;
  }
  for (const char* name : {"strict", "agent-3.3"}) {
    const std::string_view version = find_agent_profile(name)->version;
    EXPECT_TRUE(client_gate::agent_knows_terminate_flag(version)) << name;
    EXPECT_TRUE(client_gate::agent_multiplexes(version)) << name;
    EXPECT_TRUE(client_gate::keep_alive_is_off(version)) << name;
  }
}

TEST(Profile, older_versions_stand_on_the_side_of_each_gate_that_their_names_promise) {
  EXPECT_FALSE(agent_gate::client_multiplexes(find_client_profile("plugin-1.1.61")->version));
  EXPECT_FALSE(agent_gate::keep_alive_is_off(find_client_profile("plugin-source")->version));
  EXPECT_TRUE(agent_gate::client_mixes_output(find_client_profile("plugin-1.2.279")->version));
  EXPECT_FALSE(client_gate::keep_alive_is_off(find_agent_profile("agent-3.1.1511")->version));
  EXPECT_TRUE(client_gate::agent_multiplexes(find_agent_profile("agent-3.1.1511")->version));
  EXPECT_FALSE(client_gate::agent_multiplexes(find_agent_profile("agent-3.0")->version));
  EXPECT_TRUE(client_gate::agent_knows_terminate_flag(find_agent_profile("agent-3.0")->version));
  EXPECT_FALSE(client_gate::agent_multiplexes(find_agent_profile("agent-2.3")->version));
}

/// Rows `| `name` | version | ...` of one section of docs/profiles.md.
std::vector<std::pair<std::string, std::string>> documented(std::string_view section) {
  std::ifstream file(SSM_SOURCE_DIR "/docs/profiles.md");
  std::vector<std::pair<std::string, std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) {
      inside = line == "## " + std::string(section);
    } else if (inside && line.starts_with("| `")) {
      const std::size_t end = line.find('`', 3);
      const std::size_t version = end + 4;
      rows.emplace_back(line.substr(3, end - 3),
                        line.substr(version, line.find(' ', version) - version));
    }
  }
  return rows;
}

TEST(Profile, the_document_lists_exactly_the_profiles_with_their_versions) {
  std::vector<std::pair<std::string, std::string>> clients;
  for (const ClientProfile& profile : client_profiles()) {
    clients.emplace_back(profile.name, profile.version);
  }
  EXPECT_EQ(documented("Clients"), clients);
  std::vector<std::pair<std::string, std::string>> agents;
  for (const AgentProfile& profile : agent_profiles()) {
    agents.emplace_back(profile.name, profile.version);
  }
  EXPECT_EQ(documented("Agents"), agents);
}

TEST(Profile, strict_never_sends_more_than_any_receiver_holds_ahead_of_a_gap) {
  std::vector<const ChannelRules*> all;
  for (const ClientProfile& profile : client_profiles()) {
    if (is_official(profile.name)) {
      all.push_back(&profile.channel);
    }
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
  EXPECT_NE(client.pause, PauseHandling::discard);
  EXPECT_TRUE(client.resumes);
  EXPECT_FALSE(client.abandons_input_at_its_end);
  EXPECT_FALSE(agent.damages_replacement_character);
  EXPECT_FALSE(agent.goes_on_without_channel);
  for (const ChannelRules& channel : {client.channel, agent.channel}) {
    EXPECT_TRUE(channel.message.check_digest);
    EXPECT_FALSE(channel.message.wrap_header_length);
    EXPECT_FALSE(channel.listener_can_die);
    EXPECT_TRUE(channel.send.retransmits);
    EXPECT_EQ(channel.receive.delivery, Delivery::in_order);
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
