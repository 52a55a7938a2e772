#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "ssm/trace/writer.hpp"

namespace ssm::trace {
namespace {

Error system_error(const std::string& path, int error) {
  return {make_error_code(Errc::io_failed), 0,
          path + ": " + std::generic_category().message(error)};
}

class FileSink final : public Sink {
 public:
  FileSink(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  ~FileSink() override { ::close(descriptor_); }

  Result<> append(std::string_view bytes) override {
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
      if (count >= 0) {
        // A regular file takes a part only when the disk is full, a limit is reached or a signal
        // came; the next write tells which.
        rest.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno != EINTR) {
        return failed(errno, rest.size() < bytes.size());
      }
    }
    size_ += static_cast<off_t>(bytes.size());
    return {};
  }

 private:
  [[nodiscard]] Error failed(int error, bool in_part) const {
    // The part is taken back; if that fails too, the reader reports a cut record.
    if (in_part && ::ftruncate(descriptor_, size_) != 0) {
      return system_error(path_, errno);
    }
    return system_error(path_, error);
  }

  std::string path_;
  int descriptor_;
  off_t size_ = 0;
};

}  // namespace

Result<std::unique_ptr<Sink>> create_file(const std::string& path) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    return system_error(path, errno);
  }
  return std::unique_ptr<Sink>(std::make_unique<FileSink>(path, descriptor));
}

}  // namespace ssm::trace
