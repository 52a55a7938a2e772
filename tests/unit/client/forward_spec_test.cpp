#include "ssm/client/forward_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ssm::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Case {
  const char* text;
  const char* local;
  const char* destination;
  bool remote;
};

class ForwardSpecs : public ::testing::TestWithParam<Case> {};

TEST_P(ForwardSpecs, are_read_as_ssh_reads_them) {
  std::string mistake;
  const auto spec = parse_forward(GetParam().text, mistake);
  ASSERT_TRUE(spec) << mistake;
  EXPECT_EQ(spec->local.to_string(), GetParam().local);
  EXPECT_EQ(spec->destination(), GetParam().destination);
  EXPECT_EQ(spec->to_remote_host(), GetParam().remote);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, ForwardSpecs,
    ::testing::Values(Case{"8080:localhost:80", "127.0.0.1:8080", "localhost:80", false},
                      Case{"8080::80", "127.0.0.1:8080", "localhost:80", false},
                      Case{"0:db.internal:5432", "127.0.0.1:0", "db.internal:5432", true},
                      Case{"localhost:8080:localhost:80", "127.0.0.1:8080", "localhost:80", false},
                      Case{"127.0.0.2:8080:db:80", "127.0.0.2:8080", "db:80", true},
                      Case{"*:8080:db:80", "0.0.0.0:8080", "db:80", true},
                      Case{"[::1]:8080:[fd00::2]:80", "[::1]:8080", "[fd00::2]:80", true},
                      Case{"/run/my db.sock:localhost:5432", "/run/my db.sock", "localhost:5432",
                           false},
                      Case{"./x.sock:db:1", "./x.sock", "db:1", true},
                      Case{"8080", "127.0.0.1:8080", "the document's destination", false},
                      Case{"127.0.0.2:8080", "127.0.0.2:8080", "the document's destination", false},
                      Case{"/run/x.sock", "/run/x.sock", "the document's destination", false}));

TEST(ForwardSpec, says_what_is_wrong_and_what_was_expected) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "'' is no port number from 0 to 65535"},
      {"x:localhost:80", "'x' is no port number"},
      {"65536:localhost:80", "'65536' is no port number"},
      {"-1:localhost:80", "'-1' is no port number"},
      {"80:localhost:0", "'0' is no port number from 1 to 65535"},
      {"80:localhost:8 0", "'8 0' is no port number"},
      {"1:2:3:4:5", "wrong number of parts"},
      {"/run/x.sock:80", "wrong number of parts"},
      {"[::1:8080:localhost:80", "a bracket without its other half"},
      {"8080:socket:/run/x", "no session document leads to a Unix socket"},
  };
  for (const auto& [text, expected] : cases) {
    std::string mistake;
    EXPECT_FALSE(parse_forward(text, mistake)) << text;
    EXPECT_THAT(mistake, AllOf(HasSubstr(expected), HasSubstr("expected [bind:]port")));
  }
}

}  // namespace
}  // namespace ssm::client
