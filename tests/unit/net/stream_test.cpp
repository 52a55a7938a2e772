#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "loop_fixture.hpp"
#include "ssm/net/stream_listener.hpp"
#include "ssm/net/stream_socket.hpp"
#include "stream_peer.hpp"

namespace ssm::net {
namespace {

using boost::system::error_code;
using protocol::as_bytes;
using protocol::as_text;
using protocol::Bytes;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string temporary_path() {
  static int number = 0;
  return ::testing::TempDir() + "ssm_stream_" + std::to_string(::getpid()) + "_" +
         std::to_string(++number);
}

class StreamTest : public LoopTest {
 protected:
  StreamListener listen(const ListenAddress& address) {
    auto listener = StreamListener::bind(loop, address);
    EXPECT_TRUE(listener) << listener.error().to_string();
    EXPECT_TRUE(listener->listen([this](StreamSocket socket) {
      accepted.emplace_back(std::move(socket));
      accepted.back().start([this] { check(); });
      check();
    }));
    return *std::move(listener);
  }
  test::StreamPeer& connect(const ListenAddress& address) {
    const std::size_t before = accepted.size();
    const int fd = test::connect_to(address);
    EXPECT_GE(fd, 0);
    peers.emplace_back(StreamSocket::adopt(loop, fd));
    peers.back().start([this] { check(); });
    run_until([&] { return accepted.size() > before; });
    return peers.back();
  }

  std::deque<test::StreamPeer> accepted;
  std::deque<test::StreamPeer> peers;
};

TEST_F(StreamTest, carries_bytes_both_ways_over_tcp) {
  const StreamListener listener = listen({});
  EXPECT_EQ(listener.address().host, "127.0.0.1");
  test::StreamPeer& client = connect(listener.address());
  client.write("ping");
  accepted[0].write("pong");
  run_until([&] { return accepted[0].received == "ping" && client.received == "pong"; });
}

TEST_F(StreamTest, carries_bytes_over_a_unix_socket_that_only_its_owner_may_use) {
  const std::string path = temporary_path();
  {
    const StreamListener listener = listen({.host = {}, .port = 0, .path = path});
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    test::StreamPeer& client = connect(listener.address());
    client.write("ping");
    run_until([&] { return accepted[0].received == "ping"; });
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(StreamTest, refuses_connections_until_it_listens) {
  auto listener = StreamListener::bind(loop, {});
  ASSERT_TRUE(listener);
  ASSERT_GT(listener->address().port, 0);
  EXPECT_EQ(test::connect_to(listener->address()), -ECONNREFUSED);
}

TEST_F(StreamTest, an_address_in_use_is_an_error_that_names_it) {
  const StreamListener listener = listen({});
  const auto second = StreamListener::bind(loop, listener.address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code.value(), EADDRINUSE);
  EXPECT_THAT(second.error().to_string(),
              HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(listener.address().port)));
}

TEST_F(StreamTest, replaces_a_socket_file_that_a_dead_process_left_but_no_live_one) {
  const ListenAddress address{.host = {}, .port = 0, .path = temporary_path()};
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  address.path.copy(where.sun_path, sizeof where.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  EXPECT_EQ(StreamListener::bind(loop, address).error().code.value(), EADDRINUSE);
  ::close(fd);
  EXPECT_TRUE(StreamListener::bind(loop, address));
}

TEST_F(StreamTest, a_path_that_is_too_long_is_a_clear_error) {
  const auto listener =
      StreamListener::bind(loop, {.host = {}, .port = 0, .path = "/" + std::string(200, 'x')});
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().to_string(), EndsWith("a socket's path has at most 107 bytes"));
}

TEST_F(StreamTest, reads_no_more_than_there_is_room_for) {
  const StreamListener listener = listen({});
  test::StreamPeer& client = connect(listener.address());
  test::StreamPeer& server = accepted[0];
  server.room = 3;
  client.write("0123456789");
  run_until([&] { return server.received == "0123456789"; });
  EXPECT_EQ(server.largest, 3U);
}

TEST_F(StreamTest, without_room_makes_the_peer_wait_and_goes_on_later) {
  const StreamListener listener = listen({});
  test::StreamPeer& client = connect(listener.address());
  test::StreamPeer& server = accepted[0];
  server.room = 0;
  client.write(std::string(20'000'000, 'x'));
  run_until([&] { return client.writes > 0; });
  EXPECT_EQ(server.received, "");
  EXPECT_GT(client.unsent.size(), 1'000'000U);
  server.room = 65536;
  server.socket.resume_reading();
  run_until([&] { return server.received.size() == 20'000'000; });
}

TEST_F(StreamTest, writes_of_one_callback_leave_together) {
  const StreamListener listener = listen({});
  test::StreamPeer& client = connect(listener.address());
  loop.post([&] {
    for (int i = 0; i < 100; ++i) {
      client.write("x");
    }
  });
  run_until([&] { return accepted[0].received.size() == 100; });
  EXPECT_EQ(client.writes, 1);
}

TEST_F(StreamTest, either_direction_ends_by_itself) {
  const StreamListener listener = listen({});
  test::StreamPeer& client = connect(listener.address());
  test::StreamPeer& server = accepted[0];
  client.socket.shutdown_write();
  run_until([&] { return server.ended; });
  server.write("answer");
  run_until([&] { return client.received == "answer"; });
  EXPECT_FALSE(client.ended);
  server.socket.shutdown_write();
  run_until([&] { return client.ended; });
}

TEST_F(StreamTest, close_delivers_what_was_written) {
  const StreamListener listener = listen({});
  test::StreamPeer& client = connect(listener.address());
  test::StreamPeer& server = accepted[0];
  // Unread input would turn a plain close into a reset.
  server.room = 0;
  client.write("unread");
  server.write("last words");
  run_until([&] { return server.unsent.empty() && client.unsent.empty(); });
  server.socket.close();
  run_until([&] { return client.ended; });
  EXPECT_EQ(client.received, "last words");
  EXPECT_FALSE(client.error);
}

TEST_F(StreamTest, reset_is_an_error_at_the_peer) {
  const StreamListener listener = listen({});
  test::StreamPeer& client = connect(listener.address());
  accepted[0].socket.reset();
  run_until([&] { return client.error.has_value(); });
  EXPECT_EQ(client.error->value(), ECONNRESET);
  EXPECT_FALSE(client.socket.open());
}

TEST_F(StreamTest, a_write_to_a_broken_connection_is_an_error_once) {
  const StreamListener listener = listen({});
  test::StreamPeer& client = connect(listener.address());
  client.room = 0;
  accepted[0].socket.reset();
  loop.post([&] { client.write("x"); });
  run_until([&] { return client.error.has_value(); });
}

}  // namespace
}  // namespace ssm::net
