#include "ssm/client/standard_stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <string>

#include "loop_until.hpp"
#include "pty_pair.hpp"

namespace ssm::client {
namespace {

bool non_blocking(int fd) {
  return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

class StandardStreamTest : public ::testing::Test {
 protected:
  void expect_line(int fd, int writer) {
    StandardStream stream(loop, fd, StreamUse::reading);
    std::string got;
    bool ended = false;
    stream.descriptor().start_reading(
        100, [&](protocol::Bytes bytes) { got += protocol::as_text(bytes); },
        [&](boost::system::error_code) { ended = true; });
    EXPECT_TRUE(write_all(writer, "line\n"));
    EXPECT_TRUE(test::loop_until(loop, [&] { return !got.empty() || ended; }));
    EXPECT_EQ(got, "line\n");
  }

  net::EventLoop loop;
};

TEST_F(StandardStreamTest, leaves_a_shared_pipe_blocking_all_the_time) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    StandardStream input(loop, ends[0], StreamUse::reading);
    StandardStream output(loop, ends[1], StreamUse::writing);
    EXPECT_TRUE(non_blocking(input.descriptor().fd()));
    EXPECT_FALSE(non_blocking(ends[0]));
    EXPECT_FALSE(non_blocking(ends[1]));
  }
  EXPECT_FALSE(non_blocking(ends[0]));
  expect_line(ends[0], ends[1]);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(StandardStreamTest, leaves_a_shared_terminal_blocking_all_the_time) {
  const test::PtyPair pty;
  {
    StandardStream input(loop, pty.slave, StreamUse::reading);
    EXPECT_TRUE(non_blocking(input.descriptor().fd()));
    EXPECT_FALSE(non_blocking(pty.slave));
  }
  expect_line(pty.slave, pty.master);
}

TEST_F(StandardStreamTest, restores_the_flags_of_what_cannot_be_opened_anew) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  {
    StandardStream input(loop, ends[0], StreamUse::reading);
    StandardStream output(loop, ends[0], StreamUse::writing);
  }
  EXPECT_FALSE(non_blocking(ends[0]));
  expect_line(ends[0], ends[1]);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(StandardStreamTest, takes_the_master_side_of_a_pty_for_what_it_is) {
  const test::PtyPair pty;
  termios raw = pty.mode();
  cfmakeraw(&raw);
  ASSERT_EQ(tcsetattr(pty.slave, TCSANOW, &raw), 0);
  expect_line(pty.master, pty.slave);
}

TEST_F(StandardStreamTest, reads_a_file_from_where_it_stands) {
  std::string name = ::testing::TempDir() + "ssm_stream_XXXXXX";
  const int fd = mkstemp(name.data());
  ASSERT_GE(fd, 0);
  unlink(name.c_str());
  ASSERT_TRUE(write_all(fd, "first\nsecond\n"));
  ASSERT_EQ(lseek(fd, 6, SEEK_SET), 6);
  StandardStream stream(loop, fd, StreamUse::reading);
  std::string got;
  bool ended = false;
  stream.descriptor().start_reading(
      100, [&](protocol::Bytes bytes) { got += protocol::as_text(bytes); },
      [&](boost::system::error_code) { ended = true; });
  EXPECT_TRUE(test::loop_until(loop, [&] { return ended; }));
  EXPECT_EQ(got, "second\n");
  close(fd);
}

TEST_F(StandardStreamTest, reads_a_stream_that_was_closed_from_the_start_as_empty) {
  StandardStream stream(loop, -1, StreamUse::reading);
  bool ended = false;
  stream.descriptor().start_reading(
      100, [](protocol::Bytes) { FAIL(); }, [&](boost::system::error_code) { ended = true; });
  EXPECT_TRUE(test::loop_until(loop, [&] { return ended; }));
}

}  // namespace
}  // namespace ssm::client
