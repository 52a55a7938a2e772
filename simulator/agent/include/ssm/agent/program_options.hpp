#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::agent {

/// Of a terminal, in characters.
struct WindowSize {
  std::uint16_t columns = 80;
  std::uint16_t rows = 24;
};

/// Somebody with an account on this machine.
struct UserIdentity {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string home;
};

/// nullopt: there is no such user.
[[nodiscard]] std::optional<UserIdentity> find_user(std::string_view name);

/// How to start a program.
struct ProgramOptions {
  /// Program and arguments, at least one. A program without a slash is looked up in the PATH of
  /// `environment`.
  std::vector<std::string> argv;
  /// `NAME=value` each; the program sees these and nothing else.
  std::vector<std::string> environment;
  /// Working directory; empty: that of this process.
  std::string directory;
  /// Of the terminal, if it gets one.
  WindowSize size = {};
  /// As whom; needs the rights of root unless it is the user of this process. Not set: as this
  /// process.
  std::optional<UserIdentity> user = {};
  /// Largest piece given to `on_output`.
  std::size_t chunk_bytes = 1024;
  /// How long processes may take to end after SIGHUP before they get SIGKILL.
  net::Duration stop_grace = std::chrono::milliseconds(500);
};

/// How a program ended: one of the two.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;
};

}  // namespace ssm::agent
