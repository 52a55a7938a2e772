#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>

#include "detail/escape_filter.hpp"
#include "ssm/client/session_driver.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::client::detail {

/// Brings input from a descriptor to the session, one message for each read, at the session's pace:
/// while the session takes nothing, nothing is read, so that whoever writes is the one who waits.
class InputPump {
 public:
  InputPump(net::EventLoop& loop, SessionDriver& session, const protocol::ClientProfile& profile);

  /// `source` must outlive this object; `on_end` is called once, at its end or error. With
  /// `on_escape`, which may end everything, `~.` is looked for.
  void start(net::Descriptor& source, std::function<void()> on_end,
             std::function<void()> on_escape);
  /// Bytes that did not come from the source (a signal's), as one message of at most the profile's
  /// chunk size, in turn. Ignored when far too many wait: who sends signals in a loop can wait.
  void add(std::string bytes);
  /// The session may take more.
  void flush();
  void stop();

  /// Everything read so far was given to the session.
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  /// False while the last byte read is something else than a line end.
  [[nodiscard]] bool at_line_start() const { return at_line_start_; }

 private:
  void read(protocol::Bytes bytes);

  SessionDriver& session_;
  std::size_t chunk_bytes_;
  protocol::Duration send_pause_;
  net::Timer pause_timer_;
  net::Descriptor* source_ = nullptr;
  EscapeFilter escape_;
  std::function<void()> on_escape_;
  std::deque<std::string> queue_;
  bool pausing_ = false;
  bool flushing_ = false;
  bool stopped_ = false;
  bool at_line_start_ = true;
};

}  // namespace ssm::client::detail
