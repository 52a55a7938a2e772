#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "ssm/config/document.hpp"

namespace ssm::config {
namespace {

/// Closes on scope exit; a file is open for the length of one function only.
struct File {
  int descriptor;
  explicit File(int value) : descriptor(value) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor >= 0) {
      ::close(descriptor);
    }
  }
};

Problems problem(const std::string& path, std::string expected, std::string seen) {
  return {{Problem{path, {}, {}, std::move(expected), std::move(seen)}}};
}

Problems system_problem(const std::string& path, int error) {
  return problem(path, "a readable file", std::generic_category().message(error));
}

Problems size_problem(const std::string& path) {
  return problem(path, "a file of at most " + std::to_string(max_document_bytes) + " bytes",
                 "a larger one");
}

}  // namespace

Loaded<std::string> read_file(const std::string& path) {
  // Without O_NONBLOCK a named pipe would wait here for a writer.
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file.descriptor < 0 || ::fstat(file.descriptor, &status) != 0) {
    return system_problem(path, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return problem(path, "a regular file", S_ISDIR(status.st_mode) ? "a directory" : "a device");
  }
  // The size that fstat reports may be stale, so one byte more than allowed is read.
  std::string text(max_document_bytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.descriptor, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return system_problem(path, errno);
    }
    if (count == 0) {
      break;
    }
    size += static_cast<std::size_t>(count);
  }
  if (size > max_document_bytes) {
    return size_problem(path);
  }
  text.resize(size);
  return text;
}

}  // namespace ssm::config
