#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ssm::client {

/// What `connect cp` runs on the target: POSIX sh, with `stat -c`, `head -c`, `find`, and
/// sha256sum, shasum or openssl; base64 and stty only where bytes go through a terminal, python3
/// only for a port. All of it is text made here: pure.
///
/// Paths travel escaped: they may be no UTF-8, which a session's parameters are.
///
/// Every line that a script prints for the client begins with `mark`, a word that nothing else on
/// the target can know, and a blank.

/// A path as an argument of printf's %b: octal for everything but letters, digits and `_./-`.
[[nodiscard]] std::string escape_for_printf(std::string_view text);

/// Lists what is at the paths. Prints for each thing
///
///   MARK KIND MODE MTIME SIZE HASH PATHBYTES LINKBYTES \n  path \n  link target \n
///
/// KIND: F file, D folder, L symbolic link, O something else, X unreadable, N nothing there. MODE
/// is octal, MTIME seconds. HASH is `-` unless asked for. At the end: MARK bye.
struct ListRequest {
  bool recursive = false;
  bool hashes = false;
  std::vector<std::string> paths;  ///< each begins with / or ./
};
[[nodiscard]] std::vector<std::string> list_command(std::string_view mark,
                                                    const ListRequest& request);

/// Prints files, for each
///
///   MARK data OFFSET COUNT \n  COUNT bytes from OFFSET on  \n MARK end HASH \n
///   MARK no REASON \n                     instead of that: it cannot be read
///
/// HASH is of the whole file; `changed` in place of `end`: size or time are not what they were.
/// OFFSET is 0 where the file is shorter than was asked for. At the end: MARK bye.
struct FetchItem {
  std::uint64_t offset = 0;
  std::string path;  ///< begins with / or ./
};
[[nodiscard]] std::vector<std::string> fetch_command(std::string_view mark,
                                                     std::span<const FetchItem> items);

/// How bytes reach the receiving script.
enum class ReceiveInput : std::uint8_t {
  /// Through a terminal: base64 in lines of at most `receive_line_bytes`, ended by 0x04.
  terminal,
  /// As they are, through a socket.
  socket,
};
/// No line to a terminal is longer; at 4,096 bytes the line discipline cuts (N_TTY_BUF_SIZE).
constexpr std::size_t receive_line_bytes = 1024;

/// Takes files. Prints MARK ready, then reads lines; those that answer answer with one line:
///
///   P TEXT      appends to the path, R TEXT to the link target, both escaped for printf
///   K NAME      name of the temporary file, in the folder of the path
///   T           what is there: MARK is folder|other|none
///   D           makes a folder: MARK ok
///   L           makes a symbolic link: MARK ok
///   M MODE TIME sets both: MARK ok
///   F SIZE RESUME MODE TIME HASH    a file: MARK go OFFSET, then takes SIZE-OFFSET bytes into the
///               temporary file, compares the hash, syncs, renames: MARK ok, or MARK bad HASH;
///               with RESUME 1 MARK same when that file is there already
///   Q           ends: MARK bye
///
/// Any of them may be answered with MARK no REASON; MARK lost REASON is the same of a file whose
/// bytes were on their way, and ends the script.
[[nodiscard]] std::vector<std::string> receive_command(std::string_view mark, ReceiveInput input,
                                                       bool preserve);
/// Prints MARK port NUMBER, takes one connection on that port of 127.0.0.1 whose first bytes are
/// `token`, and becomes receive_command with it as stdin. MARK nopython, exit 69: it cannot.
[[nodiscard]] std::vector<std::string> receive_on_port_command(std::string_view mark,
                                                               std::string_view token,
                                                               bool preserve);

/// For a terminal session: the same program, its stdout as base64 between the lines `MARK begin`
/// and `MARK end`.
[[nodiscard]] std::string in_terminal(std::string_view mark, std::span<const std::string> command);

}  // namespace ssm::client
