#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fake_service.hpp"
#include "loop_until.hpp"
#include "port_peer.hpp"
#include "ssm/client/port_forwarding.hpp"
#include "ssm/client/session_client.hpp"
#include "ssm/protocol/profile.hpp"
#include "stream_peer.hpp"

namespace ssm::test {

/// A client with a port session, local applications, and the service, on one loop.
class PortTest : public ::testing::Test {
 protected:
  struct Watcher : client::PortWatcher {
    void listening(const net::ListenAddress& where, protocol::PortMode chosen,
                   std::string_view version) override {
      address = where;
      mode = chosen;
      agent_version = version;
    }
    void accepted(std::uint64_t /*number*/, bool waits) override {
      ++accepts;
      waiting += waits ? 1U : 0U;
    }
    void closed(std::uint64_t number, protocol::PortCloseReason reason) override {
      reasons[number] = reason;
    }
    void destination_refused() override { ++refusals; }
    void terminating() override { terminated = true; }
    void ended(const client::PortTotals& result) override { totals = result; }

    std::optional<net::ListenAddress> address;
    protocol::PortMode mode{};
    std::string agent_version;
    std::size_t accepts = 0;
    std::size_t waiting = 0;
    std::size_t refusals = 0;
    bool terminated = false;
    std::map<std::uint64_t, protocol::PortCloseReason> reasons;
    std::optional<client::PortTotals> totals;
  };

  PortTest() {
    service.answer = [this](const FakeService::Call& call) {
      return json_answer(call.operation == "TerminateSession" ? "{}" : service.start_answer());
    };
  }
  ~PortTest() override { session.reset(); }

  void start(const std::string& properties, const std::string& agent_version = "3.3.0.0",
             client::PortForwardingOptions options = {}) {
    peer.emplace(service, properties, agent_version);
    options.watcher = &watcher;
    start_session(
        [options](const protocol::SessionStarted& started, client::SessionHost& host) mutable {
          return client::make_port_forwarding(started, host, std::move(options));
        });
  }
  void start_session(decltype(client::SessionOptions::make_application) make_application) {
    api.emplace(loop, client::ApiClientOptions{.endpoint = *net::Url::parse(service.endpoint()),
                                               .sign = {}});
    session.emplace(
        loop,
        client::client_config(
            *protocol::find_client_profile(profile),
            {.session_id = "test-1", .token = "token-1", .stream_url = service.stream_url()}),
        client::SessionApi{.client = &*api, .why_not = {}},
        client::SessionOptions{.make_application = std::move(make_application),
                               .note = [this](std::string_view text) { notes.emplace_back(text); },
                               .message = {},
                               .hears_ignored_signals = false},
        [this](client::SessionOutcome result) {
          EXPECT_FALSE(outcome) << "ended twice";
          outcome = std::move(result);
        });
    session->start();
  }
  /// Up to the listener.
  void start_listening(const std::string& agent_version = "3.3.0.0") {
    start(R"({"portNumber":"80","type":"LocalPortForwarding"})", agent_version);
    ASSERT_TRUE(until([&] { return watcher.address.has_value(); }));
  }
  StreamPeer& connect() {
    const int fd = connect_to(*watcher.address);
    EXPECT_GE(fd, 0);
    applications.emplace_back(net::StreamSocket::adopt(loop, fd));
    applications.back().start([] {});
    return applications.back();
  }
  bool until(const std::function<bool()>& condition) { return loop_until(loop, condition); }
  [[nodiscard]] std::optional<client::SessionEnd> ended() const {
    return outcome ? std::optional(outcome->end) : std::nullopt;
  }

  net::EventLoop loop;
  FakeService service{loop};
  std::string profile = "strict";
  std::optional<PortPeer> peer;
  Watcher watcher;
  std::optional<client::ApiClient> api;
  std::optional<client::SessionClient> session;
  std::optional<client::SessionOutcome> outcome;
  std::vector<std::string> notes;
  std::deque<StreamPeer> applications;
};

/// Different bytes at every place, and different ones for each seed.
inline std::string pattern(std::size_t size, std::uint32_t seed) {
  std::string text(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& c : text) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

}  // namespace ssm::test
