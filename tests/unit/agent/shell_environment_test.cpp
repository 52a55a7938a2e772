#include "ssm/agent/shell_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ssm::agent {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

TEST(ShellEnvironment, sets_the_terminal_type) {
  EXPECT_THAT(shell_environment({"TERM=dumb", "LANG=x"}),
              ElementsAre("LANG=x", "TERM=xterm-256color"));
}

TEST(ShellEnvironment, sets_the_language_only_when_unset) {
  EXPECT_THAT(shell_environment({}), Contains("LANG=C.UTF-8"));
  EXPECT_THAT(shell_environment({"LANG=de_DE"}), Not(Contains("LANG=C.UTF-8")));
  EXPECT_THAT(shell_environment({"LANGUAGE=de"}), Contains("LANG=C.UTF-8"));
}

TEST(ShellEnvironment, keeps_home_and_path) {
  EXPECT_THAT(shell_environment({"HOME=/home/me", "PATH=/bin", "LANG=C"}),
              ElementsAre("HOME=/home/me", "PATH=/bin", "LANG=C", "TERM=xterm-256color"));
}

TEST(ShellEnvironment, takes_out_what_belongs_to_the_server) {
  EXPECT_THAT(shell_environment({"AWS_SECRET_ACCESS_KEY=s", "AWS_SSM_START_SESSION_RESPONSE_1={}",
                                 "SSM_X=1", "SSMSIM_Y=2", "LINES=1", "COLUMNS=2", "LANG=C",
                                 "MY_AWS_THING=kept"}),
              ElementsAre("LANG=C", "MY_AWS_THING=kept", "TERM=xterm-256color"));
}

}  // namespace
}  // namespace ssm::agent
