#include "ssm/net/descriptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "loop_fixture.hpp"

namespace ssm::net {
namespace {

using boost::system::error_code;
using protocol::as_bytes;
using protocol::as_text;
using protocol::Bytes;

class DescriptorTest : public LoopTest {
 protected:
  struct Reading {
    std::string data;
    std::optional<error_code> end;
    std::size_t largest = 0;
  };

  void read_all(Descriptor& descriptor, Reading& reading, std::size_t chunk_bytes = 4096) {
    descriptor.start_reading(
        chunk_bytes,
        [this, &reading](Bytes bytes) {
          reading.data += as_text(bytes);
          reading.largest = std::max(reading.largest, bytes.size());
          check();
        },
        [this, &reading](error_code error) {
          EXPECT_FALSE(reading.end) << "on_end came twice";
          reading.end = error;
          check();
        });
  }

  static std::pair<int, int> make_pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    return {ends[0], ends[1]};
  }

  static std::pair<int, int> make_socket_pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    return {ends[0], ends[1]};
  }
};

TEST_F(DescriptorTest, delivers_a_pipe_in_chunks_and_then_its_end) {
  const auto [read_end, write_end] = make_pipe();
  Descriptor reader(loop, read_end);
  Reading reading;
  read_all(reader, reading, 3);
  ASSERT_EQ(::write(write_end, "0123456789", 10), 10);
  ::close(write_end);
  run_until([&] { return reading.end.has_value(); });
  EXPECT_EQ(reading.data, "0123456789");
  EXPECT_EQ(reading.largest, 3U);
  EXPECT_FALSE(*reading.end);
}

TEST_F(DescriptorTest, writes_what_the_pipe_cannot_take_at_once_and_reports_drained) {
  const auto [read_end, write_end] = make_pipe();
  Descriptor reader(loop, read_end);
  Reading reading;
  const std::string text(1'000'000, 'x');
  bool drained = false;
  {
    Descriptor writer(loop, write_end);
    writer.on_drained([&] {
      drained = true;
      check();
    });
    writer.write(as_bytes(text));
    EXPECT_EQ(writer.queued_bytes(), text.size());
    read_all(reader, reading);
    run_until([&] { return drained; });
    EXPECT_EQ(writer.queued_bytes(), 0U);
  }
  run_until([&] { return reading.end.has_value(); });
  EXPECT_EQ(reading.data, text);
}

TEST_F(DescriptorTest, reports_a_write_error_once) {
  const auto [read_end, write_end] = make_pipe();
  ::close(read_end);
  Descriptor writer(loop, write_end);
  int errors = 0;
  writer.on_write_error([&](error_code error) {
    EXPECT_EQ(error.value(), EPIPE);
    ++errors;
  });
  writer.write(as_bytes("a"));
  writer.write(as_bytes("b"));
  loop.run();
  writer.write(as_bytes("c"));
  loop.run();
  EXPECT_EQ(errors, 1);
}

TEST_F(DescriptorTest, gives_eio_when_the_last_user_of_a_pty_has_gone) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  termios raw{};
  ASSERT_EQ(::tcgetattr(slave, &raw), 0);
  ::cfmakeraw(&raw);
  ASSERT_EQ(::tcsetattr(slave, TCSANOW, &raw), 0);
  Descriptor reader(loop, master);
  Reading reading;
  read_all(reader, reading);
  ASSERT_EQ(::write(slave, "bye", 3), 3);
  run_until([&] { return reading.data.size() == 3; });
  ::close(slave);
  run_until([&] { return reading.end.has_value(); });
  EXPECT_EQ(reading.data, "bye");
  EXPECT_EQ(reading.end->value(), EIO);
}

TEST_F(DescriptorTest, reads_a_regular_file_to_its_end) {
  std::string name = ::testing::TempDir() + "ssm_net_XXXXXX";
  const int fd = ::mkstemp(name.data());
  ASSERT_GE(fd, 0);
  ::unlink(name.c_str());
  const std::string text(100'000, 'f');
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ASSERT_EQ(::lseek(fd, 0, SEEK_SET), 0);
  Descriptor reader(loop, fd);
  Reading reading;
  read_all(reader, reading);
  run_until([&] { return reading.end.has_value(); });
  EXPECT_EQ(reading.data, text);
  EXPECT_FALSE(*reading.end);
}

TEST_F(DescriptorTest, writes_a_regular_file) {
  std::string name = ::testing::TempDir() + "ssm_net_XXXXXX";
  const int fd = ::mkstemp(name.data());
  ASSERT_GE(fd, 0);
  ::unlink(name.c_str());
  Descriptor writer(loop, fd);
  bool drained = false;
  writer.on_drained([&] { drained = true; });
  writer.write(as_bytes("text"));
  loop.run();
  EXPECT_TRUE(drained);
  struct stat info{};
  ASSERT_EQ(::fstat(fd, &info), 0);
  EXPECT_EQ(info.st_size, 4);
}

TEST_F(DescriptorTest, dev_null_is_at_its_end_and_takes_everything) {
  Descriptor null(loop, ::open("/dev/null", O_RDWR | O_CLOEXEC));
  Reading reading;
  bool drained = false;
  null.on_drained([&] { drained = true; });
  null.write(as_bytes("gone"));
  read_all(null, reading);
  loop.run();
  ASSERT_TRUE(reading.end);
  EXPECT_FALSE(*reading.end);
  EXPECT_TRUE(drained);
}

TEST_F(DescriptorTest, takes_nothing_from_the_descriptor_while_paused) {
  const auto [read_end, write_end] = make_socket_pair();
  Descriptor reader(loop, read_end);
  Reading reading;
  read_all(reader, reading);
  reader.pause();
  ASSERT_EQ(::write(write_end, "abc", 3), 3);
  loop.run();
  EXPECT_EQ(reading.data, "");
  reader.resume();
  run_until([&] { return !reading.data.empty(); });
  EXPECT_EQ(reading.data, "abc");
  ::close(write_end);
}

TEST_F(DescriptorTest, may_be_paused_by_its_callback) {
  const auto [read_end, write_end] = make_socket_pair();
  Descriptor reader(loop, read_end);
  std::string data;
  reader.start_reading(
      2,
      [&](Bytes bytes) {
        data += as_text(bytes);
        reader.pause();
      },
      [](error_code) { FAIL(); });
  ASSERT_EQ(::write(write_end, "abcd", 4), 4);
  loop.run();
  EXPECT_EQ(data, "ab");
  reader.resume();
  loop.run();
  EXPECT_EQ(data, "abcd");
  ::close(write_end);
}

TEST_F(DescriptorTest, may_be_destroyed_by_its_callback) {
  const auto [read_end, write_end] = make_socket_pair();
  auto reader = std::make_shared<std::optional<Descriptor>>(std::in_place, loop, read_end);
  std::string data;
  (*reader)->start_reading(
      1,
      [reader, &data](Bytes bytes) {
        reader->reset();
        data += as_text(bytes);
      },
      [](error_code) { FAIL(); });
  reader.reset();
  ASSERT_EQ(::write(write_end, "abc", 3), 3);
  loop.run();
  EXPECT_EQ(data, "a");
  ::close(write_end);
}

TEST_F(DescriptorTest, may_be_destroyed_by_its_end) {
  const auto [read_end, write_end] = make_pipe();
  std::optional<Descriptor> reader(std::in_place, loop, read_end);
  bool ended = false;
  reader->start_reading(
      1, [](Bytes) { FAIL(); },
      [&](error_code) {
        reader.reset();
        ended = true;
      });
  ::close(write_end);
  loop.run();
  EXPECT_TRUE(ended);
}

TEST_F(DescriptorTest, may_be_destroyed_when_drained) {
  const auto [read_end, write_end] = make_pipe();
  std::optional<Descriptor> writer(std::in_place, loop, write_end);
  writer->on_drained([&] { writer.reset(); });
  writer->write(as_bytes("abc"));
  loop.run();
  EXPECT_FALSE(writer);
  std::array<char, 8> text{};
  EXPECT_EQ(::read(read_end, text.data(), text.size()), 3);
  ::close(read_end);
}

TEST_F(DescriptorTest, released_descriptor_stays_open_and_calls_nobody) {
  const auto [read_end, write_end] = make_pipe();
  int released = -1;
  {
    Descriptor reader(loop, read_end);
    reader.start_reading(1, [](Bytes) { FAIL(); }, [](error_code) { FAIL(); });
    released = reader.release();
  }
  EXPECT_EQ(released, read_end);
  ASSERT_EQ(::write(write_end, "a", 1), 1);
  loop.run();
  char c = 0;
  EXPECT_EQ(::read(released, &c, 1), 1);
  ::close(released);
  ::close(write_end);
}

TEST_F(DescriptorTest, wait_readable_calls_once_and_reads_nothing) {
  const auto [read_end, write_end] = make_pipe();
  Descriptor reader(loop, read_end);
  int calls = 0;
  reader.wait_readable([&] { ++calls; });
  ASSERT_EQ(::write(write_end, "a", 1), 1);
  loop.run();
  EXPECT_EQ(calls, 1);
  char c = 0;
  EXPECT_EQ(::read(read_end, &c, 1), 1);
  ::close(write_end);
}

}  // namespace
}  // namespace ssm::net
