#include "ssm/host/ready_file.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <cstdio>

namespace ssm::host {
namespace {

protocol::Error system_error(const std::string& what) {
  return protocol::Error(boost::system::error_code(errno, boost::system::system_category()), 0,
                         what);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::string ready_json(const ReadyInfo& info) {
  const boost::json::object json{
      {"endpoint", info.endpoint},
      {"pid", info.pid},
      {"region", info.region},
      {"credentials", boost::json::object{{"access_key_id", info.access_key_id},
                                          {"secret_access_key", info.secret_access_key}}}};
  return boost::json::serialize(json) + "\n";
}

protocol::Result<> write_ready_file(const std::string& path, const ReadyInfo& info) {
  return write_ready_file(path, ready_json(info));
}

protocol::Result<> write_ready_file(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                        S_IRUSR | S_IWUSR);
  if (fd < 0) {
    return system_error("cannot create " + temporary);
  }
  const bool written = write_all(fd, text);
  protocol::Error write_error = system_error("cannot write " + temporary);
  ::close(fd);
  if (!written) {
    ::unlink(temporary.c_str());
    return write_error;
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    protocol::Error error = system_error("cannot rename " + temporary + " to " + path);
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

}  // namespace ssm::host
