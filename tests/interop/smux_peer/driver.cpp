// Runs SmuxSession against smux_peer (main.go) over a socket pair:
//
//     smux_peer_driver PEER echo|half-close|serve|keepalive|silence VERSION STREAMS BYTES
//
// Ends with 0, or with 1 and what was expected and seen.

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "ssm/protocol/sha256.hpp"
#include "ssm/protocol/smux_session.hpp"

extern char** environ;

namespace {

using namespace ssm::protocol;

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "smux_peer_driver: %s\n", text.c_str());
  std::_Exit(1);
}

struct Options {
  std::string peer;
  std::string what;
  std::string version;
  std::size_t streams = 0;
  std::size_t bytes = 0;
};

class Peer {
 public:
  Peer(const std::string& program, std::vector<std::string> arguments) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
      fail("no socket pair");
    }
    socket_ = ends[0];
    arguments.insert(arguments.begin(), program);
    std::vector<char*> raw;
    for (std::string& argument : arguments) {
      raw.push_back(argument.data());
    }
    raw.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
    if (posix_spawn(&pid_, program.c_str(), &actions, nullptr, raw.data(), environ) != 0) {
      fail("cannot start " + program);
    }
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    ::close(socket_);
    int status = 0;
    waitpid(pid_, &status, 0);
    if (status != 0) {
      fail("expected the peer to end well, seen status " + std::to_string(status));
    }
  }
  [[nodiscard]] int socket() const { return socket_; }

 private:
  int socket_ = -1;
  pid_t pid_ = -1;
};

/// A session on a socket: moves bytes until `step` says that it is done or the peer has gone.
class Line {
 public:
  Line(SmuxSide side, const SmuxRules& rules, int socket)
      : socket_(socket), session_(side, rules, now()) {}

  [[nodiscard]] SmuxSession& session() { return session_; }
  [[nodiscard]] std::size_t nops() const { return nops_; }
  [[nodiscard]] bool closed() const { return closed_; }

  template <class Step>
  void run(Step step) {
    while (!step()) {
      const bool room = send();
      if (closed_) {
        return;
      }
      wait(room);
      session_.on_timer(now());
      receive();
    }
    send();
  }
  static Instant now() {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }

 private:
  /// True when bytes left and none are left: the streams have room that no event will tell of.
  bool send() {
    for (bool sent = false;; sent = true) {
      if (out_begin_ == out_end_) {
        out_begin_ = 0;
        // As a data channel does it: a message at a time.
        out_end_ = session_.poll_output(MutableBytes(out_).first(1024));
        if (out_end_ == 0) {
          return sent;
        }
      }
      const ssize_t count =
          ::send(socket_, out_.data() + out_begin_, out_end_ - out_begin_, MSG_NOSIGNAL);
      if (count < 0) {
        closed_ = closed_ || errno != EAGAIN;
        return false;
      }
      out_begin_ += static_cast<std::size_t>(count);
    }
  }
  void receive() {
    if (in_begin_ == in_end_) {
      const ssize_t count = ::recv(socket_, in_.data(), in_.size(), 0);
      if (count <= 0) {
        closed_ = closed_ || count == 0 || errno != EAGAIN;
        return;
      }
      in_begin_ = 0;
      in_end_ = static_cast<std::size_t>(count);
      count_nop(Bytes(in_).first(in_end_));
    }
    in_begin_ += session_.receive(Bytes(in_).subspan(in_begin_, in_end_ - in_begin_), now());
  }
  void count_nop(Bytes bytes) {
    if (bytes.size() == smux_header_size && bytes[1] == std::byte{3}) {
      ++nops_;
    }
  }
  void wait(bool room) {
    const bool blocked = session_.receive_blocked();
    pollfd entry{.fd = socket_,
                 .events = static_cast<short>((blocked ? 0 : POLLIN) |
                                              (out_begin_ < out_end_ ? POLLOUT : 0)),
                 .revents = 0};
    int milliseconds = 20'000;
    if (const auto next = session_.next_timeout()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now()).count();
      milliseconds = static_cast<int>(std::clamp<std::int64_t>(left, 0, milliseconds));
    }
    if (room || (in_begin_ < in_end_ && !blocked)) {
      milliseconds = 0;
    }
    if (::poll(&entry, 1, milliseconds) == 0 && milliseconds == 20'000) {
      fail("expected the peer to go on, seen nothing for 20 s");
    }
  }

  int socket_;
  SmuxSession session_;
  std::vector<std::byte> in_ = std::vector<std::byte>(16384);
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::vector<std::byte> out_ = std::vector<std::byte>(1024);
  std::size_t out_begin_ = 0;
  std::size_t out_end_ = 0;
  std::size_t nops_ = 0;
  bool closed_ = false;
};

std::vector<std::byte> pattern(std::size_t number, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::byte>(i * 131 + (i >> 8) + number);
  }
  return bytes;
}

/// One stream that we opened: what it has to say, and what should come back.
struct Exchange {
  std::vector<std::byte> to_send;
  std::size_t sent = 0;
  std::vector<std::byte> expected;
  std::size_t seen = 0;
};

void expect_bytes(Exchange& exchange, Bytes bytes, std::uint32_t id) {
  if (bytes.size() > exchange.expected.size() - exchange.seen ||
      !std::equal(bytes.begin(), bytes.end(),
                  exchange.expected.begin() + static_cast<std::ptrdiff_t>(exchange.seen))) {
    fail("expected the bytes sent and their digest, seen others on stream " + std::to_string(id));
  }
  exchange.seen += bytes.size();
}

/// Opens streams and compares what comes back; with `half_close` the end of what is sent is FIN.
void run_client(Line& line, const Options& options, bool half_close) {
  SmuxSession& session = line.session();
  std::map<std::uint32_t, Exchange> open;
  for (std::size_t i = 0; i < options.streams; ++i) {
    const auto data = pattern(i, options.bytes);
    const Digest digest = sha256(data);
    Exchange& exchange = open[*session.open()];
    exchange.to_send.resize(8);
    store_big_endian(exchange.to_send, 0, half_close ? UINT64_MAX : std::uint64_t{data.size()});
    exchange.to_send.insert(exchange.to_send.end(), data.begin(), data.end());
    if (!half_close) {
      exchange.expected = data;
    }
    exchange.expected.insert(exchange.expected.end(), digest.begin(), digest.end());
  }
  line.run([&] {
    for (auto stream = open.begin(); stream != open.end();) {
      auto& [id, exchange] = *stream;
      exchange.sent += session.write(id, Bytes(exchange.to_send).subspan(exchange.sent));
      if (half_close && exchange.sent == exchange.to_send.size()) {
        session.finish(id);
      }
      while (!session.readable(id).empty()) {
        const Bytes part = session.readable(id);
        expect_bytes(exchange, part, id);
        session.consume(id, part.size(), Line::now());
      }
      if (!session.read_ended(id)) {
        ++stream;
        continue;
      }
      if (exchange.seen != exchange.expected.size()) {
        fail("expected " + std::to_string(exchange.expected.size()) +
             " bytes, seen the end after " + std::to_string(exchange.seen));
      }
      session.close(id);
      stream = open.erase(stream);
    }
    while (session.poll_event()) {
    }
    return open.empty();
  });
  if (!open.empty()) {
    fail("expected all streams to end, seen the connection closed before");
  }
}

struct Served {
  std::vector<std::byte> received;  ///< length included
  std::size_t echoed = 8;
  bool digest_written = false;
};

bool serve_stream(SmuxSession& session, std::uint32_t id, Served& served) {
  while (!session.readable(id).empty()) {
    const Bytes part = session.readable(id);
    served.received.insert(served.received.end(), part.begin(), part.end());
    session.consume(id, part.size(), Line::now());
  }
  if (served.received.size() < 8) {
    return false;
  }
  const Bytes data = Bytes(served.received).subspan(8);
  served.echoed += session.write(id, Bytes(served.received).subspan(served.echoed));
  if (served.echoed < served.received.size() || session.writable(id) < 32 ||
      data.size() < load_big_endian<std::uint64_t>(served.received, 0)) {
    return false;
  }
  session.write(id, sha256(data));
  session.finish(id);
  return true;
}

void run_server(Line& line, std::size_t streams) {
  SmuxSession& session = line.session();
  std::map<std::uint32_t, Served> open;
  std::size_t done = 0;
  line.run([&] {
    while (const auto id = session.accept()) {
      open[*id] = {};
    }
    for (auto stream = open.begin(); stream != open.end();) {
      if (serve_stream(session, stream->first, stream->second)) {
        stream = open.erase(stream);
        ++done;
      } else {
        ++stream;
      }
    }
    while (session.poll_event()) {
    }
    return done == streams && session.streams() == 0;
  });
  if (done != streams || session.streams() != 0) {
    fail("expected all streams to be served and closed, seen the connection closed before");
  }
}

void run(const Options& options) {
  using std::chrono::milliseconds;
  const bool with_keepalive = options.what == "keepalive" || options.what == "silence";
  SmuxRules rules;
  rules.version = options.version == "2" ? 2 : 1;
  rules.keepalive = options.what == "keepalive";
  rules.keepalive_interval = milliseconds(100);
  rules.keepalive_timeout = milliseconds(300);
  const bool serving = options.what == "serve";
  Peer peer(options.peer,
            {"-side", serving ? "client" : "server", "-version", options.version, "-streams",
             std::to_string(options.streams), "-size", std::to_string(options.bytes), "-keepalive",
             with_keepalive ? "100ms" : "0s"});
  Line line(serving ? SmuxSide::server : SmuxSide::client, rules, peer.socket());
  if (serving) {
    run_server(line, options.streams);
  } else if (options.what == "silence") {
    line.run([] { return false; });
    if (!line.closed() || line.nops() == 0) {
      fail("expected NOPs and then the peer to close, because we sent none");
    }
  } else {
    if (options.what == "keepalive") {
      // Longer than the time limit on both sides, and then the session still works.
      line.run([&] { return line.nops() >= 8; });
    }
    run_client(line, options, options.what == "half-close");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s PEER WHAT VERSION STREAMS BYTES\n", argv[0]);
    return 2;
  }
  run({.peer = argv[1],
       .what = argv[2],
       .version = argv[3],
       .streams = std::strtoull(argv[4], nullptr, 10),
       .bytes = std::strtoull(argv[5], nullptr, 10)});
  return 0;
}
