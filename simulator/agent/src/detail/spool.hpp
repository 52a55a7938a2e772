#pragma once

#include <cstddef>

#include "detail/unique_fd.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::agent::detail {

/// Bytes that wait in a file without a name, which is gone with this object whatever happens.
/// Written first, read afterwards. In TMPDIR, or /tmp.
class Spool {
 public:
  explicit Spool(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// Errors: the system's, or limit_reached; the context says so for people.
  [[nodiscard]] protocol::Result<> append(protocol::Bytes bytes);
  /// The next bytes, as many as fit; 0 at the end.
  [[nodiscard]] protocol::Result<std::size_t> read(protocol::MutableBytes into);
  [[nodiscard]] bool at_end() const { return read_ == written_; }

 private:
  [[nodiscard]] protocol::Result<> open();

  std::size_t limit_bytes_;
  UniqueFd file_;
  std::size_t written_ = 0;
  std::size_t read_ = 0;
};

}  // namespace ssm::agent::detail
