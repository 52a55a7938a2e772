#include "ssm/net/websocket.hpp"

#include "detail/stream.hpp"
#include "detail/text.hpp"
#include "detail/websocket_codec.hpp"
#include "detail/websocket_factory.hpp"
#include "ssm/protocol/bytes.hpp"

#include <boost/asio/error.hpp>

#include <chrono>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ssm::net {

using boost::system::error_code;
using detail::FrameReader;
using detail::MaskKey;
using detail::Opcode;
using protocol::as_bytes;
using protocol::Bytes;

namespace {

/// Time for the last bytes, or for the peer's close frame.
constexpr auto goodbye_time = std::chrono::seconds(2);
/// More unsent pongs than this are merged into one (RFC 6455 section 5.5.3), so that a peer that
/// pings and never reads does not grow us.
constexpr std::size_t max_queued_pongs = 64;
/// Entries that an empty queue keeps room for.
constexpr std::size_t max_idle_queue = 64;

std::string describe(const error_code& error) {
  if (error == boost::asio::error::eof) {
    return "connection closed without a close frame";
  }
  std::string text = error.message();
  if (!text.empty()) {
    text.front() = detail::to_lower(text.front());
  }
  return text;
}

}  // namespace

/// Reads when the socket is readable, writes at the end of each callback that queued something.
/// While nothing moves it owns no buffer: input is parsed in the loop's scratch memory, output is
/// encoded there, and only what the socket did not take is kept.
class WebSocket::Impl final : public detail::StreamUser, public std::enable_shared_from_this<Impl> {
 public:
  Impl(EventLoop& loop, detail::WebSocketParts parts)
      : loop_(loop),
        stream_(std::move(parts.stream)),
        options_(parts.options),
        remote_(std::move(parts.remote)),
        reader_(parts.side == detail::WebSocketSide::server, parts.options.max_message_bytes),
        masks_(parts.side == detail::WebSocketSide::client),
        unread_(std::move(parts.unread)) {
    if (masks_) {
      std::random_device random;
      mask_state_ = (std::uint64_t{random()} << 32U) | random();
    }
  }

  void start(WebSocketHandlers handlers) {
    SSM_ASSERT(!started_);
    started_ = true;
    handlers_ = std::make_shared<WebSocketHandlers>(std::move(handlers));
    loop_.impl().defer(shared_from_this());
  }

  void send(Opcode opcode, Frame payload) {
    if (phase_ != Phase::open || broken_) {
      return;
    }
    queued_bytes_ += detail::wire_size(payload.size(), masks_);
    queue_.push_back({opcode, std::move(payload)});
    congested_ = congested_ || queued_bytes_ > options_.high_water_bytes;
    if (!write_waiting_) {
      loop_.impl().defer(shared_from_this());
    }
  }

  void pause() { paused_ = true; }

  void resume() {
    if (paused_) {
      paused_ = false;
      loop_.impl().defer(shared_from_this());
    }
  }

  void close(std::uint16_t code, std::string_view reason) {
    if (phase_ != Phase::open) {
      return;
    }
    send(Opcode::close, Frame::copy_of(as_bytes(detail::close_payload(code, reason))));
    phase_ = Phase::closing;
    say_goodbye();
  }

  void drop() {
    if (phase_ != Phase::open) {
      return;
    }
    phase_ = Phase::flushing;
    end_ = WebSocketEnd{.code = 0, .reason = {}, .detail = "dropped by this side"};
    say_goodbye();
  }

  void reset() {
    if (phase_ == Phase::ended) {
      return;
    }
    stream_->reset();
    ended({.code = 0, .reason = {}, .detail = "reset by this side"});
  }

  /// The handle is gone: nothing is called any more. A close or drop in progress goes on.
  void abandon() {
    // From a local: what the handlers captured may own things that own this.
    const auto old = std::exchange(handlers_, nullptr);
    if (phase_ == Phase::open) {
      stream_->close();
      ended({});
    }
  }

  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  [[nodiscard]] bool congested() const { return congested_; }
  [[nodiscard]] bool open() const { return phase_ == Phase::open; }
  [[nodiscard]] std::string_view remote() const { return remote_; }

  void on_readable() override {
    read_waiting_ = false;
    if (wants_input()) {
      read_now();
    }
  }

  void on_writable() override {
    write_waiting_ = false;
    flush();
  }

  void on_deferred() override {
    flush();
    if (wants_input() && !unread_.empty()) {
      const auto input = std::exchange(unread_, {});
      consume(input);
      loop_.impl().defer(shared_from_this());
    } else if (wants_input() && broken_) {
      // What arrived before the connection broke, perhaps a close frame, still counts.
      read_now();
    } else if (wants_input() && !read_waiting_) {
      read_waiting_ = true;
      stream_->wait_readable(shared_from_this());
    } else if (broken_ && !wants_input() && phase_ != Phase::ended) {
      lost(*broken_);
    }
    report_end();
  }

 private:
  enum class Phase {
    open,
    closing,   ///< our close frame is queued or sent; the peer's is awaited
    flushing,  ///< nothing is read any more; TCP ends when the queue is empty
    ended,
  };

  struct Outgoing {
    Opcode opcode;
    Frame payload;
  };

  [[nodiscard]] bool wants_input() const {
    return (phase_ == Phase::open && started_ && !paused_) || phase_ == Phase::closing;
  }

  // --- reading

  void read_now() {
    const auto self = shared_from_this();
    auto& scratch = loop_.impl().read_scratch;
    error_code error;
    const std::size_t count = stream_->read_some(scratch, error);
    if (!error) {
      consume(Bytes(scratch).first(count));
    } else if (!detail::is_would_block(error)) {
      lost(error);
    } else if (broken_) {
      lost(*broken_);
    }
    // Later, so that answers leave before the next wait is set up.
    loop_.impl().defer(self);
  }

  void consume(Bytes input) {
    const auto self = shared_from_this();
    // The callbacks may destroy the handle; this keeps them alive until they have returned.
    const auto handlers = handlers_;
    for (;;) {
      if (!wants_input()) {
        if (phase_ == Phase::open) {
          unread_.assign(input.begin(), input.end());
        }
        return;
      }
      switch (reader_.next(input)) {
        case FrameReader::Item::none:
          return;
        case FrameReader::Item::message: {
          Frame message = reader_.take_message();
          if (phase_ == Phase::open && handlers->on_message) {
            handlers->on_message(std::move(message), reader_.is_text());
          }
          break;
        }
        case FrameReader::Item::ping:
          on_ping(handlers);
          break;
        case FrameReader::Item::pong:
          if (phase_ == Phase::open && handlers->on_pong) {
            handlers->on_pong(reader_.control_payload());
          }
          break;
        case FrameReader::Item::close:
          peer_closed();
          return;
        case FrameReader::Item::failure:
          violated();
          return;
      }
    }
  }

  //= TRANS-022
  void on_ping(const std::shared_ptr<WebSocketHandlers>& handlers) {
    if (phase_ != Phase::open) {
      return;
    }
    Frame payload = Frame::copy_of(as_bytes(reader_.control_payload()));
    if (queued_pongs_ < max_queued_pongs) {
      ++queued_pongs_;
      send(Opcode::pong, std::move(payload));
    } else {
      latest_pong_ = std::move(payload);
    }
    if (handlers->on_ping) {
      handlers->on_ping(reader_.control_payload());
    }
  }

  void peer_closed() {
    const std::uint16_t code = reader_.close_status();
    std::string reason(reader_.close_reason());
    if (phase_ == Phase::closing) {
      end_ = WebSocketEnd{.code = 0, .reason = {}, .detail = "closed by this side"};
    } else {
      send(Opcode::close, Frame::copy_of(as_bytes(detail::close_payload(code, {}))));
      std::string detail = code == detail::close_code::no_status
                               ? "closed by the peer without a code"
                               : "closed by the peer with code " + std::to_string(code);
      end_ = WebSocketEnd{.code = code, .reason = std::move(reason), .detail = std::move(detail)};
    }
    phase_ = Phase::flushing;
    say_goodbye();
  }

  void violated() {
    WebSocketEnd end{
        .code = reader_.failure_status(), .reason = {}, .detail = reader_.failure_detail()};
    if (phase_ == Phase::open) {
      // Whole messages that wait are given up: the peer's state is unknown from here on.
      clear_queue();
      queued_bytes_ = pending_.size() - pending_written_;
      send(Opcode::close,
           Frame::copy_of(as_bytes(detail::close_payload(end.code, reader_.failure_detail()))));
    } else {
      end.code = 0;
    }
    end_ = std::move(end);
    phase_ = Phase::flushing;
    say_goodbye();
  }

  // --- writing

  void flush() {
    const auto self = shared_from_this();
    while (phase_ != Phase::ended && !write_waiting_ && !broken_) {
      error_code error;
      if (pending_written_ < pending_.size()) {
        const auto rest = Bytes(pending_).subspan(pending_written_);
        const std::size_t count = stream_->write_some(rest, error);
        pending_written_ += count;
        queued_bytes_ -= count;
      } else if (queue_head_ < queue_.size()) {
        error = write_batch();
      } else {
        break;
      }
      if (detail::is_would_block(error)) {
        write_waiting_ = true;
        stream_->wait_writable(self);
      } else if (error) {
        write_failed(error);
      }
    }
    if (phase_ == Phase::flushing && queued_bytes_ == 0) {
      detail::linger(loop_, std::move(stream_));
      ended({});
    }
    if (congested_ && queued_bytes_ <= options_.low_water_bytes) {
      congested_ = false;
      if (const auto handlers = handlers_;
          phase_ == Phase::open && handlers && handlers->on_writable) {
        handlers->on_writable();
      }
    }
  }

  /// Encodes queued messages up to some size and writes them in one call; keeps what is left over.
  error_code write_batch() {
    auto& scratch = loop_.impl().write_scratch;
    scratch.clear();
    pending_.clear();
    pending_written_ = 0;
    while (queue_head_ < queue_.size() && scratch.size() < EventLoop::Impl::scratch_bytes) {
      const Outgoing next = std::move(queue_[queue_head_++]);
      detail::append_frame(scratch, next.opcode, next.payload.bytes(), next_mask());
      queued_pongs_ -= next.opcode == Opcode::pong && queued_pongs_ > 0 ? 1U : 0U;
    }
    if (queue_head_ == queue_.size()) {
      clear_queue();
    }
    error_code error;
    const std::size_t count = stream_->write_some(scratch, error);
    queued_bytes_ -= count;
    if (count < scratch.size()) {
      pending_.assign(scratch.begin() + static_cast<std::ptrdiff_t>(count), scratch.end());
    } else {
      pending_ = {};
    }
    if (latest_pong_ && queued_pongs_ == 0) {
      ++queued_pongs_;
      send(Opcode::pong, *std::exchange(latest_pong_, std::nullopt));
    }
    return error;
  }

  void clear_queue() {
    queue_head_ = 0;
    if (queue_.capacity() > max_idle_queue) {
      queue_ = {};
    } else {
      queue_.clear();
    }
  }

  /// Masks keep proxies from being fooled by chosen bytes; nothing here is secret.
  std::optional<MaskKey> next_mask() {
    if (!masks_) {
      return std::nullopt;
    }
    mask_state_ += 0x9E3779B97F4A7C15U;  // splitmix64
    std::uint64_t mixed = mask_state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    mixed ^= mixed >> 31U;
    MaskKey key{};
    protocol::store_big_endian(key, 0, static_cast<std::uint32_t>(mixed >> 32U));
    return key;
  }

  void write_failed(const error_code& error) {
    clear_queue();
    pending_ = {};
    pending_written_ = 0;
    queued_bytes_ = 0;
    if (phase_ == Phase::flushing) {
      stream_->close();
      ended({.code = 0, .reason = {}, .detail = describe(error)});
      return;
    }
    broken_ = error;
    loop_.impl().defer(shared_from_this());
  }

  // --- ending

  void lost(const error_code& error) {
    WebSocketEnd end{.code = detail::close_code::abnormal, .reason = {}, .detail = describe(error)};
    if (phase_ == Phase::closing) {
      end.code = 0;
    }
    stream_->close();
    ended(std::move(end));
  }

  /// Bounds the time for what is still to be sent or received.
  void say_goodbye() {
    goodbye_.emplace(loop_);
    goodbye_->arm(EventLoop::now() + goodbye_time, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && self->phase_ != Phase::ended) {
        const bool closing = self->phase_ == Phase::closing;
        self->stream_->close();
        self->ended({.code = 0,
                     .reason = {},
                     .detail = closing ? "the peer did not answer the close frame within 2 s"
                                       : "the peer did not take the last bytes within 2 s"});
      }
    });
    loop_.impl().defer(shared_from_this());
  }

  /// `end` is reported unless an earlier reason is known.
  void ended(WebSocketEnd end) {
    phase_ = Phase::ended;
    goodbye_.reset();
    queue_ = {};
    queue_head_ = 0;
    pending_ = {};
    unread_ = {};
    pending_written_ = 0;
    queued_bytes_ = 0;
    congested_ = false;
    if (!end_) {
      end_ = std::move(end);
    }
    loop_.impl().defer(shared_from_this());
  }

  /// A peer's close and a violation are reported at once, our own drop when it is done.
  void report_end() {
    if (!end_ || !handlers_ || (phase_ != Phase::ended && end_->code == 0)) {
      return;
    }
    const auto handlers = std::exchange(handlers_, nullptr);
    const WebSocketEnd end = *end_;
    if (handlers->on_end) {
      handlers->on_end(end);
    }
  }

  EventLoop& loop_;
  std::unique_ptr<detail::Stream> stream_;
  WebSocketOptions options_;
  std::string remote_;
  std::shared_ptr<WebSocketHandlers> handlers_;
  std::optional<WebSocketEnd> end_;
  std::optional<Timer> goodbye_;
  Phase phase_ = Phase::open;
  bool started_ = false;
  bool paused_ = false;
  bool read_waiting_ = false;
  bool write_waiting_ = false;
  bool congested_ = false;
  /// A write failed with this while reading may still find something.
  std::optional<error_code> broken_;

  FrameReader reader_;
  bool masks_;
  std::uint64_t mask_state_ = 0;
  /// Input that was read but not yet looked at, because of a pause.
  std::vector<std::byte> unread_;

  /// Messages from queue_head_ on wait; those before it were taken.
  std::vector<Outgoing> queue_;
  std::size_t queue_head_ = 0;
  /// Encoded, but not taken by the socket.
  std::vector<std::byte> pending_;
  std::size_t pending_written_ = 0;
  /// Wire bytes of queue_ and pending_.
  std::size_t queued_bytes_ = 0;
  std::size_t queued_pongs_ = 0;
  std::optional<Frame> latest_pong_;
};

// ------------------------------------------------------------------------------------------------

WebSocket::WebSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::WebSocket() = default;
WebSocket::~WebSocket() {
  if (impl_) {
    impl_->abandon();
  }
}
WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&& other) noexcept {
  const WebSocket old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

void WebSocket::start(WebSocketHandlers handlers) {
  impl_->start(std::move(handlers));
}

void WebSocket::send_binary(Frame message) {
  if (impl_) {
    impl_->send(Opcode::binary, std::move(message));
  }
}
void WebSocket::send_text(std::string_view message) {
  if (impl_) {
    impl_->send(Opcode::text, Frame::copy_of(as_bytes(message)));
  }
}
void WebSocket::send_ping(std::string_view payload) {
  if (impl_) {
    const auto cut = payload.substr(0, detail::max_control_bytes);
    impl_->send(Opcode::ping, Frame::copy_of(as_bytes(cut)));
  }
}
std::size_t WebSocket::queued_bytes() const {
  return impl_ ? impl_->queued_bytes() : 0;
}
bool WebSocket::congested() const {
  return impl_ && impl_->congested();
}
void WebSocket::pause_reading() {
  if (impl_) {
    impl_->pause();
  }
}
void WebSocket::resume_reading() {
  if (impl_) {
    impl_->resume();
  }
}
void WebSocket::close(std::uint16_t code, std::string_view reason) {
  if (impl_) {
    impl_->close(code, reason);
  }
}
void WebSocket::drop() {
  if (impl_) {
    impl_->drop();
  }
}
void WebSocket::reset() {
  if (impl_) {
    impl_->reset();
  }
}
bool WebSocket::open() const {
  return impl_ && impl_->open();
}
std::string_view WebSocket::remote() const {
  return impl_ ? impl_->remote() : std::string_view{};
}

namespace detail {

WebSocket make_websocket(EventLoop& loop, WebSocketParts parts) {
  return WebSocket(std::make_shared<WebSocket::Impl>(loop, std::move(parts)));
}

}  // namespace detail

}  // namespace ssm::net
