#pragma once

#include <optional>
#include <string>
#include <vector>

#include "child_process.hpp"
#include "fake_service.hpp"
#include "loop_until.hpp"
#include "pty_pair.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/net/descriptor.hpp"

namespace ssm::test {

/// The built program as a child, and the service that it talks to.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    service.answer = [this](const FakeService::Call& call) {
      return json_answer(call.operation == "TerminateSession" ? "{}" : service.start_answer());
    };
  }

  /// Between pipes; `input` is all that it gets.
  void run(std::vector<std::string> arguments, std::string_view input = "",
           std::vector<std::string> environment = {}) {
    output_ended_ = error_ended_ = false;
    std::array<int, 2> in{};
    ASSERT_EQ(pipe2(in.data(), O_CLOEXEC), 0);
    ASSERT_TRUE(client::write_all(in[1], input));
    close(in[1]);
    const auto [out_read, out_write] = make_output(output, output_reader_);
    static_cast<void>(out_read);
    const auto [error_read, error_write] = make_output(errors, error_reader_);
    static_cast<void>(error_read);
    child.emplace(arguments, ChildStreams{in[0], out_write, error_write}, std::move(environment));
    close(in[0]);
    close(out_write);
    close(error_write);
  }
  /// On a terminal, of which `output` collects what it shows.
  void run_on_terminal(std::vector<std::string> arguments,
                       std::vector<std::string> environment = {}) {
    pty.resize(80, 24);
    output_reader_.emplace(loop, dup(pty.master));
    read_into(*output_reader_, output, terminal_ended_);
    child.emplace(arguments, ChildStreams{pty.slave, pty.slave, pty.slave}, std::move(environment));
  }
  bool until(const std::function<bool()>& condition) { return loop_until(loop, condition); }
  /// It has ended and all it wrote was read.
  bool until_ended() {
    return until(
        [&] { return child->ended() && (!error_reader_ || (output_ended_ && error_ended_)); });
  }
  /// The session that the program opened has begun.
  bool until_session() {
    if (!until([&] { return service.texts.size() == 1; })) {
      return false;
    }
    service.send_output("$ ");
    return until([&] { return service.acknowledged == 1 && !service.messages.empty(); });
  }

  static std::string program(const std::string& name) {
    return std::string(SSM_BIN_DIR) + "/" + name;
  }

  net::EventLoop loop;
  FakeService service{loop};
  PtyPair pty;
  std::optional<ChildProcess> child;
  std::string output;
  std::string errors;

 private:
  std::pair<int, int> make_output(std::string& text, std::optional<net::Descriptor>& reader) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reader.emplace(loop, ends[0]);
    read_into(*reader, text, &text == &output ? output_ended_ : error_ended_);
    return {ends[0], ends[1]};
  }
  static void read_into(net::Descriptor& reader, std::string& text, bool& ended) {
    reader.start_reading(
        65536, [&text](protocol::Bytes bytes) { text += protocol::as_text(bytes); },
        [&ended](boost::system::error_code) { ended = true; });
  }

  bool output_ended_ = false;
  bool error_ended_ = false;
  bool terminal_ended_ = false;
  std::optional<net::Descriptor> output_reader_;
  std::optional<net::Descriptor> error_reader_;
};

}  // namespace ssm::test
