#include "ssm/client/credentials.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <map>
#include <optional>

namespace ssm::client {
namespace {

using Section = std::map<std::string, std::string, std::less<>>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The settings of `[name]` in an AWS configuration file; nullopt when there is no such section.
/// Indented lines belong to nested settings, of which none matters here.
std::optional<Section> read_section(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  std::optional<Section> section;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') {
      continue;
    }
    if (text.front() == '[') {
      inside = trimmed(text.substr(1, text.find(']') - 1)) == name;
      if (inside && !section) {
        section.emplace();
      }
      continue;
    }
    const std::size_t equals = text.find('=');
    if (inside && equals != std::string_view::npos && line.front() != ' ' && line.front() != '\t') {
      section->insert_or_assign(std::string(trimmed(text.substr(0, equals))),
                                std::string(trimmed(text.substr(equals + 1))));
    }
  }
  return section;
}

std::string value_of(const Section& section, std::string_view key) {
  const auto found = section.find(key);
  return found == section.end() ? std::string() : found->second;
}

std::optional<Credentials> plain_keys(const Section& section) {
  Credentials keys{value_of(section, "aws_access_key_id"),
                   value_of(section, "aws_secret_access_key"),
                   value_of(section, "aws_session_token")};
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    return std::nullopt;
  }
  return keys;
}

std::string file_path(const Environment& environment, std::string_view variable,
                      std::string_view in_home) {
  if (const auto path = environment(variable)) {
    return *path;
  }
  return environment("HOME").value_or("") + std::string(in_home);
}

CredentialsResult from_profile(std::string_view profile, const Environment& environment) {
  const std::string credentials_path =
      file_path(environment, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  const std::string config_path = file_path(environment, "AWS_CONFIG_FILE", "/.aws/config");
  const auto shared = read_section(credentials_path, profile);
  const auto config =
      read_section(config_path, profile == "default" ? std::string(profile)
                                                     : fmt::format("profile {}", profile));
  if (shared) {
    if (auto keys = plain_keys(*shared)) {
      return *keys;
    }
  }
  if (config) {
    if (auto keys = plain_keys(*config)) {
      return *keys;
    }
  }
  if (!shared && !config) {
    return NoCredentials{fmt::format(
        "no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and there is no "
        "profile '{}' in {} or {}",
        profile, credentials_path, config_path)};
  }
  constexpr std::array<std::string_view, 5> dynamic = {
      "credential_process", "sso_session", "sso_start_url", "role_arn", "web_identity_token_file"};
  for (const std::string_view key : dynamic) {
    if ((shared && shared->contains(key)) || (config && config->contains(key))) {
      return NoCredentials{fmt::format(
          "the credentials of profile '{0}' come from {1}, which this program does not run; "
          "`aws configure export-credentials --profile {0} --format env` prints variables that "
          "work",
          profile, key)};
    }
  }
  return NoCredentials{
      fmt::format("profile '{}' has no aws_access_key_id and aws_secret_access_key in {} or {}",
                  profile, credentials_path, config_path)};
}

}  // namespace

CredentialsResult find_credentials(std::string_view profile, const Environment& environment) {
  if (!profile.empty()) {
    return from_profile(profile, environment);
  }
  const auto access_key_id = environment("AWS_ACCESS_KEY_ID");
  const auto secret_access_key = environment("AWS_SECRET_ACCESS_KEY");
  if (access_key_id && secret_access_key) {
    return Credentials{*access_key_id, *secret_access_key,
                       environment("AWS_SESSION_TOKEN").value_or("")};
  }
  return from_profile(environment("AWS_PROFILE").value_or("default"), environment);
}

}  // namespace ssm::client
