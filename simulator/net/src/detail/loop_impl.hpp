#pragma once

#include "ssm/net/event_loop.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace ssm::net {

namespace detail {

/// Work that waits for the end of the callback in progress: see EventLoop::Impl::defer.
class Deferred {
 public:
  Deferred() = default;
  virtual ~Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  virtual void on_deferred() = 0;

 private:
  friend struct net::EventLoop::Impl;
  bool deferred_ = false;
};

/// `timeout` from now; the end of time for one that is meant as "none".
[[nodiscard]] inline Instant deadline_after(Duration timeout) {
  const Instant now = EventLoop::now();
  return timeout < Instant::max() - now ? now + timeout : Instant::max();
}

}  // namespace detail

/// What the library shares on one loop.
///
/// Every callback from Asio enters through `dispatch`. Objects that got work meanwhile (bytes to
/// write, a response to a request) `defer` themselves and are called once when the callback is
/// done. So everything that one callback sends on a connection leaves in one system call, and no
/// user callback runs inside a call that the user made.
struct EventLoop::Impl {
  /// Connections read into and encode into these, so that an idle one owns no buffer.
  static constexpr std::size_t scratch_bytes = std::size_t{64} * 1024;

  Impl();

  template <class Callback>
  void dispatch(Callback&& callback) {
    struct Depth {
      int& value;
      ~Depth() { --value; }
    };
    const Depth depth{++depth_};
    std::forward<Callback>(callback)();
    if (depth_ == 1) {
      run_deferred();
    }
  }

  /// Calls `item->on_deferred()` once, after the present callback; never from inside this call.
  void defer(std::shared_ptr<detail::Deferred> item);

  // First, so that it is destroyed last: what is below may own sockets.
  boost::asio::io_context io;
  std::vector<std::byte> read_scratch;
  std::vector<std::byte> write_scratch;

 private:
  void run_deferred();

  std::vector<std::shared_ptr<detail::Deferred>> deferred_;
  std::vector<std::shared_ptr<detail::Deferred>> running_;
  int depth_ = 0;
  bool posted_ = false;
};

}  // namespace ssm::net
