#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ssm::client {

/// Names and paths of `connect cp`: pure.

/// One side of a copy, as typed: `i-123:/tmp/x`, or a local path. Like scp: what has a colon before
/// its first slash is remote.
struct CopyPlace {
  std::string target;  ///< empty: local
  std::string path;
  [[nodiscard]] bool is_remote() const { return !target.empty(); }
};
/// Empty text and an empty target are nothing.
[[nodiscard]] std::optional<CopyPlace> parse_copy_place(std::string_view text);

/// The path as no program can take it for an option, without slashes at its end: /x, ./x, `.`.
[[nodiscard]] std::string plain_path(std::string_view path);
/// What a copy of `path` is called in a folder; empty for `/`, `.` and `..`, which have no name.
[[nodiscard]] std::string copy_name(std::string_view path);
[[nodiscard]] std::string join_path(std::string_view folder, std::string_view name);

/// Name of the partial file beside the one that is called `name`: always the same, so that a later
/// run finds it, and never too long.
[[nodiscard]] std::string partial_name(std::string_view name);

/// What a listing says below `top`, relative to it; empty for `top` itself. Nothing if it is not
/// below it or has a part `..`: such a name may not decide what is written here.
[[nodiscard]] std::optional<std::string> relative_to(std::string_view top, std::string_view path);

enum class CopyKind : std::uint8_t { file, folder, link, other, unreadable, missing };

/// One thing at the source.
struct CopyEntry {
  CopyKind kind = CopyKind::missing;
  std::string path;
  std::string relative;  ///< to the source that was named; empty: itself
  std::string link;      ///< target of a link
  unsigned mode = 0;     ///< permission bits
  std::int64_t mtime = 0;
  std::uint64_t size = 0;
  std::string hash;  ///< SHA-256 in hexadecimal, if it is known
};

/// The numbers of a line of list_command, without the mark. `path` and `link` follow it.
struct ListLine {
  CopyEntry entry;
  std::size_t path_bytes = 0;
  std::size_t link_bytes = 0;
};
[[nodiscard]] std::optional<ListLine> parse_list_line(std::string_view line);

/// A number of a peer, all of the text.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text, int base = 10);

/// `12.3 MB`, with the units of 1000.
[[nodiscard]] std::string bytes_text(double bytes);
/// A line of a progress bar of at most `columns` columns.
struct CopyProgress {
  std::string_view name;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  double seconds = 0;         ///< since the first byte
  std::uint64_t resumed = 0;  ///< of `done`: not transferred now
};
[[nodiscard]] std::string progress_line(const CopyProgress& progress, std::size_t columns);

}  // namespace ssm::client
