#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/client/copy_plan.hpp"

namespace ssm::client {

/// The local side of `connect cp`. Failures are texts: what, where, why.

/// SHA-256 in pieces.
class CopyHash {
 public:
  CopyHash();
  ~CopyHash();
  CopyHash(CopyHash&&) noexcept;
  CopyHash& operator=(CopyHash&&) noexcept;

  void add(std::string_view bytes);
  /// In hexadecimal; nothing is added after it.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What is at a path and, if `recursive`, below it, folders before what is in them. What cannot be
/// read is an entry of kind unreadable.
[[nodiscard]] std::vector<CopyEntry> list_local(const std::string& path, bool recursive);
/// A file's hash; empty if it cannot be read: `problem` says why.
[[nodiscard]] std::string hash_local(const std::string& path, std::string& problem);

/// A file on its way to `path`: bytes go to a partial file in the same folder, which takes the
/// file's place only when it is whole. The partial file stays where it is unless `commit` or
/// `discard` is called.
class PartialFile {
 public:
  explicit PartialFile(std::string path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  [[nodiscard]] const std::string& partial_path() const { return partial_; }
  /// Bytes that an earlier run left; 0: none.
  [[nodiscard]] std::uint64_t left_over() const;
  /// From `offset`, which is not more than `left_over`; at 0 a new file. The hash covers what is
  /// kept. False: `problem`.
  [[nodiscard]] bool open(std::uint64_t offset);
  [[nodiscard]] bool write(std::string_view bytes);
  [[nodiscard]] std::string finish_hash() { return hash_.finish(); }
  /// Syncs and renames. `mode` and `mtime` are the source's; without `preserve` the mode is that of
  /// the file which is replaced, or what the umask leaves of the source's.
  [[nodiscard]] bool commit(bool preserve, unsigned mode, std::int64_t mtime);
  void discard();

  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool failed(std::string_view what);

  std::string path_;
  std::string partial_;
  std::string problem_;
  CopyHash hash_;
  int fd_ = -1;
};

/// Text of errno.
[[nodiscard]] std::string error_text(int number);

}  // namespace ssm::client
