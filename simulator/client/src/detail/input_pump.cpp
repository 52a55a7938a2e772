#include "detail/input_pump.hpp"

#include <utility>

namespace ssm::client::detail {
namespace {

constexpr std::size_t max_waiting_messages = 256;

}  // namespace

InputPump::InputPump(net::EventLoop& loop, SessionDriver& session,
                     const protocol::ClientProfile& profile)
    : session_(session),
      chunk_bytes_(profile.chunk_bytes),
      send_pause_(profile.send_pause),
      pause_timer_(loop) {}

void InputPump::start(net::Descriptor& source, std::function<void()> on_end,
                      std::function<void()> on_escape) {
  source_ = &source;
  on_escape_ = std::move(on_escape);
  //= SHELL-011
  source.start_reading(
      chunk_bytes_, [this](protocol::Bytes bytes) { read(bytes); },
      [this, on_end = std::move(on_end)](boost::system::error_code /*error*/) {
        source_ = nullptr;
        on_end();
      });
}

void InputPump::read(protocol::Bytes bytes) {
  const char last = protocol::as_text(bytes).back();
  at_line_start_ = last == '\n' || last == '\r';
  std::string message(protocol::as_text(bytes));
  if (on_escape_) {
    EscapeFilter::Passed passed = escape_.read(message);
    if (passed.escaped) {
      on_escape_();
      return;
    }
    message = std::move(passed.bytes);
  }
  if (message.empty()) {
    return;
  }
  // A held `~` can make it one byte too long.
  if (message.size() > chunk_bytes_) {
    queue_.push_back(message.substr(0, chunk_bytes_));
    message.erase(0, chunk_bytes_);
  }
  queue_.push_back(std::move(message));
  flush();
}

void InputPump::add(std::string bytes) {
  if (!stopped_ && queue_.size() < max_waiting_messages) {
    queue_.push_back(std::move(bytes));
    flush();
  }
}

void InputPump::flush() {
  // Sending can free room, which comes back here.
  if (flushing_ || stopped_) {
    return;
  }
  flushing_ = true;
  while (!queue_.empty() && !pausing_ && session_.can_send()) {
    const std::string message = std::move(queue_.front());
    queue_.pop_front();
    session_.send_input(protocol::as_bytes(message));
    if (send_pause_ > protocol::Duration::zero() && !stopped_) {
      pausing_ = true;
      pause_timer_.arm(net::EventLoop::now() + send_pause_, [this] {
        pausing_ = false;
        flush();
      });
    }
  }
  flushing_ = false;
  if (source_ != nullptr && !stopped_) {
    if (queue_.empty()) {
      source_->resume();
    } else {
      source_->pause();
    }
  }
}

void InputPump::stop() {
  stopped_ = true;
  queue_.clear();
  pause_timer_.cancel();
  if (source_ != nullptr) {
    source_->pause();
  }
}

}  // namespace ssm::client::detail
