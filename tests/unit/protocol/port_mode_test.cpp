#include "ssm/protocol/port_mode.hpp"

#include <gtest/gtest.h>

namespace ssm::protocol {
namespace {

constexpr std::string_view forwarding = "LocalPortForwarding";

TEST(PortMode, of_a_client_is_mux_only_above_the_threshold) {
  for (const char* const version : {"3.0.196.1", "3.0.222.0", "3.1.1511.0", "4.0.0.0", "3.3.x.0"}) {
    EXPECT_EQ(choose_client_port_mode(forwarding, version).mode, PortMode::mux) << version;
  }
  for (const char* const version : {"3.0.196.0", "3.1", "3.1.0", "3.3.987.0.1", "", "x.1.2.3"}) {
    EXPECT_EQ(choose_client_port_mode(forwarding, version).mode, PortMode::basic) << version;
  }
}

TEST(PortMode, of_a_client_is_standard_stream_for_any_other_type) {
  for (const char* const type : {"", "localportforwarding", "LocalPortForwarding "}) {
    EXPECT_EQ(choose_client_port_mode(type, "3.3.0.0").mode, PortMode::standard_stream) << type;
  }
}

TEST(PortMode, of_a_client_has_keepalive_up_to_the_threshold) {
  EXPECT_TRUE(choose_client_port_mode(forwarding, "3.1.1511.0").keepalive);
  EXPECT_FALSE(choose_client_port_mode(forwarding, "3.1.1512.0").keepalive);
}

TEST(PortMode, of_a_client_uses_the_flag_above_the_threshold) {
  EXPECT_FALSE(choose_client_port_mode(forwarding, "2.3.722.0").terminate_flag);
  EXPECT_TRUE(choose_client_port_mode(forwarding, "2.3.722.1").terminate_flag);
  EXPECT_FALSE(choose_client_port_mode(forwarding, "").terminate_flag);
}

TEST(PortMode, of_an_agent_is_mux_from_the_threshold_on) {
  for (const char* const version :
       {"", "0.0.1", "1.0.0", "1.1", "1.1.61.0", "1.1.69.9", "1.1.70-beta"}) {
    EXPECT_EQ(choose_agent_port_mode(forwarding, version).mode, PortMode::basic) << version;
  }
  for (const char* const version : {"1.1.70", "1.1.70.0", "1.1.71", "1.2", "1.2.0", "1.2.0.0",
                                    "1.2.7.0", "1.2.331", "1.2.331.0", "1.2.0.0-gimlet"}) {
    const PortChoice choice = choose_agent_port_mode(forwarding, version);
    EXPECT_EQ(choice.mode, PortMode::mux) << version;
    EXPECT_TRUE(choice.keepalive) << version;
  }
  for (const char* const version :
       {"1.2.331.1", "1.2.339.0", "1.2.650.0", "1.10.0.0", "2", "2.0.0", "v1.2.650.0", "dev",
        "1.2.650.0-rc1", "pyssm-client/0.1.0", "1.2.707.0"}) {
    const PortChoice choice = choose_agent_port_mode(forwarding, version);
    EXPECT_EQ(choice.mode, PortMode::mux) << version;
    EXPECT_FALSE(choice.keepalive) << version;
  }
}

TEST(PortMode, of_an_agent_is_basic_without_the_type) {
  const PortChoice choice = choose_agent_port_mode("", "1.2.650.0");
  EXPECT_EQ(choice.mode, PortMode::basic);
  EXPECT_FALSE(choice.local_port_forwarding);
  EXPECT_TRUE(choose_agent_port_mode(forwarding, "0.0.1").local_port_forwarding);
}

}  // namespace
}  // namespace ssm::protocol
