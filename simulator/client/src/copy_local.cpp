#include "ssm/client/copy_local.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace ssm::client {
namespace {

constexpr std::size_t block_bytes = std::size_t{128} * 1024;

CopyEntry entry_of(const std::string& path, bool follow) {
  CopyEntry entry;
  entry.path = path;
  struct stat status{};
  if ((follow ? stat(path.c_str(), &status) : lstat(path.c_str(), &status)) != 0) {
    entry.kind = errno == ENOENT || errno == ENOTDIR ? CopyKind::missing : CopyKind::unreadable;
    return entry;
  }
  entry.mode = status.st_mode & 07777U;
  entry.mtime = status.st_mtime;
  if (S_ISREG(status.st_mode)) {
    entry.kind = access(path.c_str(), R_OK) == 0 ? CopyKind::file : CopyKind::unreadable;
    entry.size = static_cast<std::uint64_t>(status.st_size);
  } else if (S_ISDIR(status.st_mode)) {
    entry.kind = access(path.c_str(), R_OK | X_OK) == 0 ? CopyKind::folder : CopyKind::unreadable;
  } else if (S_ISLNK(status.st_mode)) {
    entry.kind = CopyKind::link;
    std::array<char, 4096> target{};
    const ssize_t size = readlink(path.c_str(), target.data(), target.size());
    entry.link.assign(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  } else {
    entry.kind = CopyKind::other;
  }
  return entry;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) {
    return names;
  }
  while (const dirent* found = readdir(directory)) {
    std::string name = found->d_name;
    if (name != "." && name != "..") {
      names.push_back(std::move(name));
    }
  }
  closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

void list_below(const CopyEntry& folder, std::vector<CopyEntry>& entries) {
  for (const std::string& name : names_in(folder.path)) {
    CopyEntry entry = entry_of(join_path(folder.path, name), false);
    entry.relative = folder.relative.empty() ? name : join_path(folder.relative, name);
    entries.push_back(entry);
    if (entry.kind == CopyKind::folder) {
      list_below(entry, entries);
    }
  }
}

mode_t process_umask() {
  const mode_t mask = umask(077);
  umask(mask);
  return mask;
}

}  // namespace

std::string error_text(int number) {
  return std::generic_category().message(number);
}

struct CopyHash::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

CopyHash::CopyHash() : state_(std::make_unique<State>()) {}
CopyHash::~CopyHash() = default;
CopyHash::CopyHash(CopyHash&&) noexcept = default;
CopyHash& CopyHash::operator=(CopyHash&&) noexcept = default;

void CopyHash::add(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string CopyHash::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, digest.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += fmt::format("{:02x}", digest.at(i));
  }
  return text;
}

std::vector<CopyEntry> list_local(const std::string& path, bool recursive) {
  std::vector<CopyEntry> entries = {entry_of(path, true)};
  if (recursive && entries.front().kind == CopyKind::folder) {
    const CopyEntry top = entries.front();
    list_below(top, entries);
  }
  return entries;
}

std::string hash_local(const std::string& path, std::string& problem) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  CopyHash hash;
  std::string block(block_bytes, '\0');
  ssize_t count = fd < 0 ? -1 : 1;
  while (count > 0) {
    count = read(fd, block.data(), block.size());
    if (count > 0) {
      hash.add(std::string_view(block).substr(0, static_cast<std::size_t>(count)));
    }
  }
  if (count < 0) {
    problem = error_text(errno);
  }
  if (fd >= 0) {
    close(fd);
  }
  return count < 0 ? std::string() : hash.finish();
}

PartialFile::PartialFile(std::string path) : path_(std::move(path)) {
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path_.substr(0, slash + 1);
  partial_ = folder + partial_name(path_.substr(folder.size()));
}

PartialFile::~PartialFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

bool PartialFile::failed(std::string_view what) {
  problem_ = fmt::format("{}: {}", what, error_text(errno));
  return false;
}

std::uint64_t PartialFile::left_over() const {
  struct stat status{};
  return lstat(partial_.c_str(), &status) == 0 && S_ISREG(status.st_mode)
             ? static_cast<std::uint64_t>(status.st_size)
             : 0;
}

bool PartialFile::open(std::uint64_t offset) {
  hash_ = CopyHash();
  if (fd_ >= 0) {
    close(fd_);
  }
  if (offset == 0) {
    unlink(partial_.c_str());
  }
  const int how = offset == 0 ? O_CREAT | O_EXCL : 0;
  fd_ = ::open(partial_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | how, 0600);
  if (fd_ < 0) {
    return failed("it cannot be created");
  }
  std::string block(block_bytes, '\0');
  for (std::uint64_t done = 0; done < offset;) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(offset - done, block.size()));
    const ssize_t count = read(fd_, block.data(), wanted);
    if (count <= 0) {
      return failed("its partial file cannot be read");
    }
    hash_.add(std::string_view(block).substr(0, static_cast<std::size_t>(count)));
    done += static_cast<std::uint64_t>(count);
  }
  return ftruncate(fd_, static_cast<off_t>(offset)) == 0 || failed("it cannot be written");
}

bool PartialFile::write(std::string_view bytes) {
  hash_.add(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return failed("it cannot be written");
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return true;
}

bool PartialFile::commit(bool preserve, unsigned mode, std::int64_t mtime) {
  struct stat status{};
  mode_t wanted = mode & 0777U & ~process_umask();
  if (preserve) {
    wanted = mode & 07777U;
  } else {
    wanted = (0666U & ~process_umask()) | ((mode & 0111U) != 0 ? 0111U & ~process_umask() : 0U);
    if (stat(path_.c_str(), &status) == 0) {
      wanted = status.st_mode & 07777U;
    }
  }
  if (lstat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
    problem_ = S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file";
    return false;
  }
  if (fchmod(fd_, wanted) != 0) {
    return failed("its mode cannot be set");
  }
  const timespec time = {.tv_sec = mtime, .tv_nsec = 0};
  const std::array<timespec, 2> times = {time, time};
  if (preserve && futimens(fd_, times.data()) != 0) {
    return failed("its time cannot be set");
  }
  if (fsync(fd_) != 0) {
    return failed("it cannot be written to the disk");
  }
  if (rename(partial_.c_str(), path_.c_str()) != 0) {
    return failed("it cannot be put in place");
  }
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
  return true;
}

void PartialFile::discard() {
  unlink(partial_.c_str());
}

}  // namespace ssm::client
