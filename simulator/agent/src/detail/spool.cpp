#include "detail/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

namespace ssm::agent::detail {

using protocol::Error;
using protocol::Result;

namespace {

Error system_error(int number, std::string context) {
  return Error(boost::system::error_code(number, boost::system::system_category()), 0,
               std::move(context));
}

}  // namespace

Result<> Spool::open() {
  const char* const chosen = std::getenv("TMPDIR");
  const std::string folder = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  file_ = UniqueFd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file_.valid()) {
    // Not every file system has files without names.
    std::string path = folder + "/ssm-output-XXXXXX";
    file_ = UniqueFd(::mkostemp(path.data(), O_CLOEXEC));
    if (file_.valid()) {
      ::unlink(path.c_str());
    }
  }
  if (!file_.valid()) {
    return system_error(errno, "cannot keep the command's output in " + folder);
  }
  return {};
}

Result<> Spool::append(protocol::Bytes bytes) {
  if (bytes.size() > limit_bytes_ - written_) {
    return Error(protocol::Errc::limit_reached, 0,
                 "the command wrote more than " + std::to_string(limit_bytes_) +
                     " bytes, which without separate streams have to wait for its end");
  }
  if (!file_.valid()) {
    if (Result<> opened = open(); !opened) {
      return opened;
    }
  }
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(file_.value(), bytes.data(), bytes.size(), static_cast<off_t>(written_));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return system_error(count == 0 ? ENOSPC : errno, "cannot keep the command's output");
    }
    written_ += static_cast<std::size_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::size_t> Spool::read(protocol::MutableBytes into) {
  if (at_end() || into.empty()) {
    return std::size_t{0};
  }
  ssize_t count = 0;
  do {
    count = ::pread(file_.value(), into.data(), into.size(), static_cast<off_t>(read_));
  } while (count < 0 && errno == EINTR);
  if (count <= 0) {
    return system_error(count == 0 ? EIO : errno, "cannot read the command's output back");
  }
  read_ += static_cast<std::size_t>(count);
  return static_cast<std::size_t>(count);
}

}  // namespace ssm::agent::detail
