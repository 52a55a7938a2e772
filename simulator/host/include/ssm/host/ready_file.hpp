#pragma once

#include <string>
#include <string_view>

#include "ssm/protocol/error.hpp"

namespace ssm::host {

/// What a script needs to use a server that is ready.
struct ReadyInfo {
  std::string endpoint;
  std::string region;
  std::string access_key_id;
  std::string secret_access_key;
  int pid = 0;
};

/// One JSON object and a newline.
[[nodiscard]] std::string ready_json(const ReadyInfo& info);

/// Writes the file beside its place and renames it, so that a reader never sees half of it; only
/// its owner can read it. Error: the system's, with the path in the context.
[[nodiscard]] protocol::Result<> write_ready_file(const std::string& path, const ReadyInfo& info);
/// The same with a text of the caller's.
[[nodiscard]] protocol::Result<> write_ready_file(const std::string& path, std::string_view text);

}  // namespace ssm::host
