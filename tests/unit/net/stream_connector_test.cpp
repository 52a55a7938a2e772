#include "ssm/net/stream_connector.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop_until.hpp"
#include "silent_listener.hpp"
#include "ssm/net/error.hpp"
#include "ssm/net/stream_listener.hpp"

namespace ssm::net {
namespace {

using protocol::Result;

class StreamConnector : public ::testing::Test {
 protected:
  StreamListener listen(const ListenAddress& where) {
    StreamListener listener = StreamListener::bind(loop_, where).value();
    EXPECT_TRUE(listener.listen([this](StreamSocket socket) {
      ++accepted_;
      accepted_socket_ = std::move(socket);
    }));
    return listener;
  }

  /// A port that nobody listens on: taken, so that nobody else gets it, but not opened.
  StreamListener closed_port() { return StreamListener::bind(loop_, {}).value(); }

  const Result<StreamSocket>& connect(std::vector<StreamAddress> addresses,
                                      std::optional<Duration> limit = std::nullopt) {
    result_.reset();
    const PendingOperation operation =
        connect_stream(loop_, std::move(addresses), limit,
                       [this](Result<StreamSocket> result) { result_.emplace(std::move(result)); });
    EXPECT_FALSE(result_);
    EXPECT_TRUE(test::loop_until(loop_, [this] { return result_.has_value(); }));
    return *result_;
  }

  EventLoop loop_;
  int accepted_ = 0;
  StreamSocket accepted_socket_;
  std::optional<Result<StreamSocket>> result_;
};

TEST_F(StreamConnector, connects_to_a_tcp_port) {
  const StreamListener listener = listen({});
  EXPECT_TRUE(connect({{.ip = "127.0.0.1", .port = listener.address().port}}));
  EXPECT_TRUE(test::loop_until(loop_, [this] { return accepted_ == 1; }));
}

TEST_F(StreamConnector, connects_to_a_unix_socket) {
  const std::string path =
      ::testing::TempDir() + "ssm_connector_" + std::to_string(::getpid()) + ".sock";
  const StreamListener listener = listen({.path = path});
  EXPECT_TRUE(connect({{.path = path}}));
}

TEST_F(StreamConnector, tries_the_addresses_in_order) {
  const StreamListener closed = closed_port();
  const StreamListener listener = listen({});
  EXPECT_TRUE(connect({{.ip = "127.0.0.1", .port = closed.address().port},
                       {.ip = "127.0.0.1", .port = listener.address().port}}));
}

TEST_F(StreamConnector, reports_the_first_of_several_errors) {
  const StreamListener closed = closed_port();
  const StreamAddress first{.ip = "127.0.0.1", .port = closed.address().port};
  const auto& result = connect({first, {.path = "/no/such/socket"}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, boost::system::errc::connection_refused);
  EXPECT_EQ(result.error().context, first.to_string());
}

TEST_F(StreamConnector, gives_up_a_destination_that_never_answers) {
  const test::SilentListener silent;
  ASSERT_TRUE(silent.ok());
  const auto& result =
      connect({{.ip = "127.0.0.1", .port = silent.port()}}, std::chrono::milliseconds(50));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timed_out);
}

TEST_F(StreamConnector, fails_without_addresses_and_with_malformed_ones) {
  EXPECT_FALSE(connect({}));
  EXPECT_FALSE(connect({{.ip = "localhost", .port = 1}}));
  EXPECT_EQ(connect({{.path = std::string(200, 'x')}}).error().code,
            boost::system::errc::filename_too_long);
}

TEST_F(StreamConnector, never_calls_back_when_given_up) {
  const StreamListener listener = listen({});
  bool called = false;
  {
    const PendingOperation operation =
        connect_stream(loop_, {{.ip = "127.0.0.1", .port = listener.address().port}}, std::nullopt,
                       [&](Result<StreamSocket>) { called = true; });
  }
  bool later = false;
  loop_.post([&] { later = true; });
  EXPECT_TRUE(test::loop_until(loop_, [&] { return later; }));
  EXPECT_FALSE(called);
}

TEST_F(StreamConnector, resolves_names_and_addresses) {
  std::optional<Result<std::vector<std::string>>> found;
  const auto keep = [&](Result<std::vector<std::string>> result) { found = std::move(result); };
  const PendingOperation numeric = resolve_host(loop_, "0:0::1", keep);
  EXPECT_TRUE(test::loop_until(loop_, [&] { return found.has_value(); }));
  EXPECT_EQ(found->value(), std::vector<std::string>{"::1"});
  found.reset();
  const PendingOperation name = resolve_host(loop_, "localhost", keep);
  EXPECT_TRUE(test::loop_until(loop_, [&] { return found.has_value(); }));
  EXPECT_FALSE(found->value().empty());
}

TEST(CanonicalIp, knows_all_spellings_of_an_address) {
  EXPECT_EQ(canonical_ip("::ffff:169.254.169.254"), "169.254.169.254");
  EXPECT_EQ(canonical_ip("FD00:EC2:0::254"), "fd00:ec2::254");
  EXPECT_EQ(canonical_ip("host"), std::nullopt);
}

}  // namespace
}  // namespace ssm::net
