#pragma once

#include <cstdint>
#include <string_view>

#include "ssm/net/descriptor.hpp"
#include "ssm/net/event_loop.hpp"

namespace ssm::client {

enum class StreamUse : std::uint8_t { reading, writing };

/// stdin, stdout or stderr on an event loop, without the mark that this usually leaves: O_NONBLOCK
/// belongs to the open file, which the parent shell and its other children share, and makes their
/// reads and writes fail with EAGAIN.
///
/// Terminals and pipes are opened anew, so that only this process's open file is non-blocking. What
/// cannot be (sockets, files, terminals of another user) is duplicated; its flags are restored by
/// the destructor and, like a terminal's mode, when the process dies of a signal. `fd` itself stays
/// open and must outlive this object.
class StandardStream {
 public:
  StandardStream(net::EventLoop& loop, int fd, StreamUse use);
  ~StandardStream();
  StandardStream(const StandardStream&) = delete;
  StandardStream& operator=(const StandardStream&) = delete;

  [[nodiscard]] net::Descriptor& descriptor() { return descriptor_; }
  [[nodiscard]] const net::Descriptor& descriptor() const { return descriptor_; }
  /// The descriptor it was made from.
  [[nodiscard]] int original() const { return original_; }

 private:
  int original_;
  int flags_ = -1;
  int slot_ = -1;
  net::Descriptor descriptor_;
};

/// Writes all of `text` to a blocking descriptor; false if that failed.
bool write_all(int fd, std::string_view text);

}  // namespace ssm::client
