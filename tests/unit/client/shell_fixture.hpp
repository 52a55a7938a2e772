#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fake_service.hpp"
#include "loop_until.hpp"
#include "ssm/client/shell_application.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::test {

/// A shell between two pipes, and the service that it talks to, on one loop.
class ShellTest : public ::testing::Test {
 protected:
  ShellTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    input_read_ = ends[0];
    input_write_ = ends[1];
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    output_read_ = ends[0];
    output_write_ = ends[1];
    options.input = input_read_;
    options.output = output_write_;
    service.answer = [this](const FakeService::Call& call) {
      return json_answer(call.operation == "TerminateSession" ? "{}" : service.start_answer());
    };
  }
  ~ShellTest() override {
    shell.reset();
    end_input();
    for (const int fd : {input_read_, output_read_, output_write_}) {
      if (fd >= 0) {
        close(fd);
      }
    }
  }

  void start(std::string_view profile = "strict", bool with_api = true) {
    api.emplace(loop, client::ApiClientOptions{.endpoint = *net::Url::parse(service.endpoint()),
                                               .sign = {}});
    client::SessionApi session_api;
    if (with_api) {
      session_api.client = &*api;
    } else {
      session_api.why_not = "there are no keys";
    }
    shell.emplace(
        loop,
        client::client_config(
            *protocol::find_client_profile(profile),
            {.session_id = "test-1", .token = "token-1", .stream_url = service.stream_url()}),
        session_api,
        client::SessionOptions{
            .make_application =
                [this](const protocol::SessionStarted& started, client::SessionHost& host) {
                  return client::make_shell(started, host, options);
                },
            .note = [this](std::string_view text) { notes.emplace_back(text); },
            .message = [this](std::string_view text) { message = text; },
            .hears_ignored_signals = options.signals_are_input},
        [this](client::SessionOutcome result) {
          EXPECT_FALSE(outcome) << "ended twice";
          outcome = std::move(result);
        });
    shell->start();
  }
  /// With a first output, which is what starts a session without a handshake.
  void start_session(std::string_view profile = "strict") {
    start(profile);
    ASSERT_TRUE(until([&] { return service.texts.size() == 1; }));
    service.send_output("$ ");
    read_output();
    ASSERT_TRUE(until([&] { return output == "$ " && service.acknowledged == 1; }));
    output.clear();
  }
  void read_output() {
    reader_.emplace(loop, dup(output_read_));
    reader_->start_reading(
        65536, [this](protocol::Bytes bytes) { output += protocol::as_text(bytes); },
        [](boost::system::error_code) {});
  }
  bool until(const std::function<bool()>& condition) { return loop_until(loop, condition); }

  void type(std::string_view text) { ASSERT_TRUE(client::write_all(input_write_, text)); }
  /// As much as the pipe takes now; what write answered.
  [[nodiscard]] ssize_t try_type(std::string_view text) {
    fcntl(input_write_, F_SETFL, O_NONBLOCK);
    return write(input_write_, text.data(), text.size());
  }
  void end_input() {
    if (input_write_ >= 0) {
      close(std::exchange(input_write_, -1));
    }
  }
  /// Nobody reads the output any more.
  void close_output_reader() {
    reader_.reset();
    close(std::exchange(output_read_, -1));
  }
  [[nodiscard]] std::optional<client::SessionEnd> ended() const {
    return outcome ? std::optional(outcome->end) : std::nullopt;
  }

  net::EventLoop loop;
  FakeService service{loop};
  std::optional<client::ApiClient> api;
  client::ShellOptions options;
  std::optional<client::SessionClient> shell;
  std::optional<client::SessionOutcome> outcome;
  std::string output;
  std::vector<std::string> notes;
  std::string message;

 private:
  int input_read_ = -1;
  int input_write_ = -1;
  int output_read_ = -1;
  int output_write_ = -1;
  std::optional<net::Descriptor> reader_;
};

}  // namespace ssm::test
