#include <grp.h>
#include <pwd.h>

#include <array>
#include <utility>

#include "ssm/agent/program_options.hpp"

namespace ssm::agent {

std::optional<UserIdentity> find_user(std::string_view name) {
  UserIdentity user;
  user.name = name;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  if (name.empty() ||
      ::getpwnam_r(user.name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::nullopt;
  }
  user.uid = entry.pw_uid;
  user.gid = entry.pw_gid;
  user.home = entry.pw_dir;
  int count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  while (::getgrouplist(user.name.c_str(), user.gid, user.groups.data(), &count) < 0) {
    user.groups.resize(static_cast<std::size_t>(count));
  }
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

}  // namespace ssm::agent
