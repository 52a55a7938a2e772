// The yardstick for every speed ratio of this project: a WebSocket echo of 1 KiB binary messages
// between two threads over loopback, once with Beast alone and once with ssm::net, in turns, so
// that both see the same machine.
//
//   echo_bench [rounds] [messages]

// Boost.Core 1.81 uses streams in a header that only declares them.
#include <ostream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ssm/net/http_client.hpp"
#include "ssm/net/http_server.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t message_bytes = 1024;
constexpr int throughput_window = 64;

[[noreturn]] void die(const std::string& text) {
  std::fprintf(stderr, "echo_bench: %s\n", text.c_str());
  std::exit(3);  // NOLINT(concurrency-mt-unsafe): nothing is left to save
}

/// Where the client counts: sends up to `window` ahead and takes the time of each answer.
class Meter {
 public:
  Meter(int messages, int window) : messages_(messages), window_(window) {
    if (window == 1) {
      round_trips_us_.reserve(static_cast<std::size_t>(messages));
    }
  }

  [[nodiscard]] bool may_send() const { return sent_ < messages_ && sent_ - answered_ < window_; }
  void sending() {
    const auto now = SteadyClock::now();
    if (sent_++ == 0) {
      start_ = now;
    }
    last_sent_ = now;
  }
  /// True when all is done.
  [[nodiscard]] bool answered() {
    const auto now = SteadyClock::now();
    if (window_ == 1) {
      round_trips_us_.push_back(
          std::chrono::duration<double, std::micro>(now - last_sent_).count());
    }
    end_ = now;
    return ++answered_ == messages_;
  }
  [[nodiscard]] double messages_per_second() const {
    return messages_ / std::chrono::duration<double>(end_ - start_).count();
  }
  [[nodiscard]] double median_us() {
    const auto middle = round_trips_us_.begin() + static_cast<std::ptrdiff_t>(messages_ / 2);
    std::nth_element(round_trips_us_.begin(), middle, round_trips_us_.end());
    return *middle;
  }

 private:
  int messages_;
  int window_;
  int sent_ = 0;
  int answered_ = 0;
  SteadyClock::time_point start_;
  SteadyClock::time_point last_sent_;
  SteadyClock::time_point end_;
  std::vector<double> round_trips_us_;
};

// --- Beast alone

using BeastSocket = beast::websocket::stream<beast::tcp_stream, false>;

void prepare(BeastSocket& socket) {
  socket.binary(true);
  socket.auto_fragment(false);
  beast::get_lowest_layer(socket).socket().set_option(tcp::no_delay(true));
}

class BeastServer {
 public:
  explicit BeastServer(tcp::socket socket) : socket_(std::move(socket)) {
    prepare(socket_);
    socket_.async_accept([this](const error_code& error) {
      if (!error) {
        read();
      }
    });
  }

 private:
  void read() {
    socket_.async_read(buffer_, [this](const error_code& error, std::size_t) {
      if (!error) {
        write();
      }
    });
  }
  void write() {
    socket_.async_write(buffer_.data(), [this](const error_code& error, std::size_t) {
      buffer_.clear();
      if (!error) {
        read();
      }
    });
  }

  BeastSocket socket_;
  beast::flat_buffer buffer_;
};

class BeastClient {
 public:
  BeastClient(asio::io_context& io, const tcp::endpoint& server, Meter& meter)
      : socket_(io), meter_(meter), message_(message_bytes, 'm') {
    beast::get_lowest_layer(socket_).connect(server);
    prepare(socket_);
    socket_.async_handshake("127.0.0.1", "/", [this](const error_code& error) {
      if (error) {
        die(error.message());
      }
      read();
      write();
    });
  }

 private:
  void read() {
    socket_.async_read(buffer_, [this](const error_code& error, std::size_t) {
      if (error) {
        die(error.message());
      }
      buffer_.clear();
      if (meter_.answered()) {
        beast::get_lowest_layer(socket_).close();
        return;
      }
      read();
      if (!writing_) {
        write();
      }
    });
  }
  void write() {
    if (!meter_.may_send()) {
      return;
    }
    writing_ = true;
    meter_.sending();
    socket_.async_write(asio::buffer(message_), [this](const error_code& error, std::size_t) {
      writing_ = false;
      if (!error) {
        write();
      }
    });
  }

  BeastSocket socket_;
  Meter& meter_;
  std::string message_;
  beast::flat_buffer buffer_;
  bool writing_ = false;
};

void run_beast(Meter& meter) {
  asio::io_context server_io(1);
  tcp::acceptor acceptor(server_io, {asio::ip::address_v4::loopback(), 0});
  std::optional<BeastServer> server;
  acceptor.async_accept([&](const error_code& error, tcp::socket socket) {
    if (!error) {
      server.emplace(std::move(socket));
    }
  });
  std::thread server_thread([&] { server_io.run(); });
  asio::io_context client_io(1);
  BeastClient client(client_io, acceptor.local_endpoint(), meter);
  client_io.run();
  server_thread.join();
}

// --- ssm::net

void run_net(Meter& meter) {
  using namespace ssm::net;
  EventLoop server_loop;
  WebSocket server_socket;
  auto server = HttpServer::listen(
      server_loop, {}, {.on_upgrade = [&](const HttpRequest&, Upgrade upgrade) {
        upgrade.accept({}, [&](WebSocket socket) {
          server_socket = std::move(socket);
          server_socket.start(
              {.on_message = [&](Frame frame,
                                 bool) { server_socket.send_binary(std::move(frame)); },
               .on_end = [&](const WebSocketEnd&) { server_loop.stop(); }});
        });
      }});
  if (!server) {
    die(server.error().to_string());
  }
  std::thread server_thread([&] { server_loop.run(); });

  EventLoop client_loop;
  WebSocket client;
  const std::string text(message_bytes, 'm');
  // A new frame per message, as an application would make it.
  const auto send = [&] {
    while (meter.may_send()) {
      meter.sending();
      client.send_binary(Frame::copy_of(ssm::protocol::as_bytes(text)));
    }
  };
  const auto url = Url::parse("http://127.0.0.1:" + std::to_string(server->port()));
  Url target = *url;
  target.scheme = "ws";
  const auto pending =
      connect_websocket(client_loop, target, {}, {}, [&](ssm::protocol::Result<WebSocket> opened) {
        if (!opened) {
          die(opened.error().to_string());
        }
        client = std::move(*opened);
        client.start({.on_message = [&](const Frame&, bool) {
          if (meter.answered()) {
            client = WebSocket{};
            client_loop.stop();
            return;
          }
          send();
        }});
        send();
      });
  client_loop.run();
  server_thread.join();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Results {
  std::vector<double> messages_per_second;
  std::vector<double> round_trip_us;

  void add_round(const std::function<void(Meter&)>& run, int messages) {
    Meter stream(messages, throughput_window);
    run(stream);
    messages_per_second.push_back(stream.messages_per_second());
    Meter ping_pong(std::max(messages / 10, 1), 1);
    run(ping_pong);
    round_trip_us.push_back(ping_pong.median_us());
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  const int messages = argc > 2 ? std::atoi(argv[2]) : 200'000;
  if (argc > 3 || rounds < 1 || messages < 1) {
    std::fprintf(stderr, "usage: echo_bench [rounds] [messages]\n");
    return 2;
  }
  Results bare;
  Results ours;
  for (int round = 0; round < rounds; ++round) {
    bare.add_round(run_beast, messages);
    ours.add_round(run_net, messages);
  }
  const double bare_rate = median(bare.messages_per_second);
  const double our_rate = median(ours.messages_per_second);
  const double bare_us = median(bare.round_trip_us);
  const double our_us = median(ours.round_trip_us);
  std::printf("echo of %zu byte binary messages, 2 threads, medians of %d rounds\n", message_bytes,
              rounds);
  std::printf("%-28s %14s %14s %8s\n", "", "Beast alone", "ssm::net", "ratio");
  std::printf("%-28s %14.0f %14.0f %8.2f\n", "messages/s, window 64", bare_rate, our_rate,
              our_rate / bare_rate);
  std::printf("%-28s %14.1f %14.1f %8.2f\n", "ping-pong, median us", bare_us, our_us,
              our_us / bare_us);
  return 0;
}
