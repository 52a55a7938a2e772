// The input is a list of calls: bytes of a hostile peer, and what the owner does with its streams.
// Small limits, so that they are reached. No call may crash, and what is held stays bounded.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/smux_session.hpp"

namespace {

using namespace ssm::protocol;

SmuxRules rules_from(std::uint8_t choice) {
  SmuxRules rules = (choice & 1) != 0 ? *find_smux_rules("smux-1.5.16") : SmuxRules{};
  rules.version = (choice & 2) != 0 ? 2 : 1;
  rules.keepalive = (choice & 4) != 0;
  rules.half_close = (choice & 8) != 0;
  rules.checks_lengths = (choice & 16) != 0;
  rules.refuses_over_backlog = (choice & 32) != 0;
  rules.receive_bytes = 600;
  rules.stream_receive_bytes = (choice & 1) != 0 ? 0 : 300;
  rules.stream_send_bytes = 500;
  rules.stream_window_bytes = 200;
  rules.frame_bytes_max = 100;
  rules.accept_backlog = 3;
  rules.streams_max = 8;
  rules.control_frames_max = 16;
  return rules;
}

class Owner {
 public:
  Owner(std::uint8_t choice, Bytes input)
      : session_((choice & 64) != 0 ? SmuxSide::client : SmuxSide::server, rules_from(choice),
                 Instant{}),
        input_(input) {}

  void run() {
    while (!input_.empty()) {
      call(byte());
      check_bounds();
    }
    settle();
  }

 private:
  std::uint8_t byte() {
    if (input_.empty()) {
      return 0;
    }
    const auto value = std::to_integer<std::uint8_t>(input_.front());
    input_ = input_.subspan(1);
    return value;
  }
  std::uint32_t stream() { return byte() % 16; }

  void call(std::uint8_t what) {
    switch (what % 12) {
      case 0:
      case 1: {
        const std::size_t offered = byte();
        const Bytes part = input_.first(std::min(offered, input_.size()));
        const std::size_t taken = session_.receive(part, now_);
        SSM_ASSERT(taken <= part.size());
        SSM_ASSERT(taken == part.size() || session_.receive_blocked());
        input_ = input_.subspan(part.size());
        break;
      }
      case 2:
        push();
        break;
      case 3:
        (void)session_.open();
        break;
      case 4:
        (void)session_.accept();
        break;
      case 5: {
        const std::vector<std::byte> data(std::size_t{byte()} * 4);
        const std::uint32_t id = stream();
        const std::size_t room = session_.writable(id);
        SSM_ASSERT(session_.write(id, data) == std::min(room, data.size()));
        break;
      }
      case 6: {
        const std::uint32_t id = stream();
        const std::size_t count = std::min<std::size_t>(byte(), session_.readable(id).size());
        session_.consume(id, count, now_);
        break;
      }
      case 7:
        session_.finish(stream());
        break;
      case 8:
        session_.close(stream());
        break;
      case 9:
        session_.reset(stream());
        break;
      case 10: {
        std::array<std::byte, 256> out;
        const std::size_t limit = byte();
        SSM_ASSERT(session_.poll_output(MutableBytes(out).first(limit)) <= limit);
        break;
      }
      default:
        now_ += std::chrono::seconds(byte() % 40);
        session_.on_timer(now_);
    }
    while (session_.poll_event()) {
    }
  }
  /// A frame that is well formed: random bytes seldom are.
  void push() {
    const auto command = static_cast<SmuxCommand>(byte() % 5);
    const std::uint8_t length = command == SmuxCommand::psh   ? byte()
                                : command == SmuxCommand::upd ? std::uint8_t{8}
                                                              : std::uint8_t{0};
    const auto header = encode(SmuxHeader{.version = session_.rules().version,
                                          .command = command,
                                          .length = length,
                                          .stream_id = stream()});
    std::vector<std::byte> frame(header.begin(), header.end());
    for (unsigned i = 0; i < length; ++i) {
      frame.push_back(std::byte{byte()});
    }
    (void)session_.receive(frame, now_);
  }
  void check_bounds() {
    // The bucket, and one frame beyond it.
    SSM_ASSERT(session_.unread() <= session_.rules().receive_bytes + 65535);
    SSM_ASSERT(!session_.ended() || !session_.has_output());
  }
  /// Everything is ended; output that nobody stops runs dry.
  void settle() {
    std::array<std::byte, 100> out;
    for (std::uint32_t id = 0; id < 16; ++id) {
      session_.reset(id);
    }
    for (int i = 0; i < 10'000 && session_.poll_output(out) > 0; ++i) {
    }
    SSM_ASSERT(!session_.has_output());
  }

  SmuxSession session_;
  Bytes input_;
  Instant now_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) {
    return 0;
  }
  Owner(data[0], std::as_bytes(std::span(data, size)).subspan(1)).run();
  return 0;
}
