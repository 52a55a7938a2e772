#include "client_command.hpp"

#include <algorithm>
#include <array>

#include "ssm/conformance/client_run.hpp"

namespace ssm::conformance {
namespace {

constexpr std::array known{
    Placeholder{"{endpoint}", "URL of the AWS API"},
    Placeholder{"{stream_url}", "StreamUrl of a session that is already started"},
    Placeholder{"{token}", "its TokenValue"},
    Placeholder{"{session_id}", "its SessionId"},
    Placeholder{"{target}", "an instance that is online"},
    Placeholder{"{region}", "the region to sign for"},
};

const std::string& value_of(std::size_t index, const SessionForClient& session) {
  const std::array<const std::string*, known.size()> values{&session.endpoint, &session.stream_url,
                                                            &session.token,    &session.session_id,
                                                            &session.target,   &session.region};
  return *values[index];
}

std::string expand_word(std::string_view word, const SessionForClient& session) {
  std::string result;
  while (!word.empty()) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const Placeholder& candidate) {
      return word.starts_with(candidate.text);
    });
    if (found == known.end()) {
      result += word.front();
      word.remove_prefix(1);
    } else {
      result += value_of(static_cast<std::size_t>(found - known.begin()), session);
      word.remove_prefix(found->text.size());
    }
  }
  return result;
}

/// Settings of whoever runs the suite: accounts, endpoints, proxies, size of another terminal.
bool belongs_elsewhere(std::string_view entry) {
  static constexpr std::array<std::string_view, 6> prefixes{
      "AWS_", "SSMSIM_", "NO_PROXY=", "no_proxy=", "LINES=", "COLUMNS="};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return entry.starts_with(prefix); });
}

}  // namespace

std::span<const Placeholder> placeholders() {
  return known;
}

std::vector<std::string> expand(const std::vector<std::string>& words,
                                const SessionForClient& session) {
  std::vector<std::string> result;
  result.reserve(words.size());
  for (const std::string& word : words) {
    result.push_back(expand_word(word, session));
  }
  return result;
}

std::vector<std::string> client_environment(const std::vector<std::string>& own,
                                            const SessionForClient& session) {
  std::vector<std::string> entries;
  bool has_terminal = false;
  for (const std::string& entry : own) {
    if (belongs_elsewhere(entry)) {
      continue;
    }
    has_terminal |= entry.starts_with("TERM=");
    entries.push_back(entry);
  }
  if (!has_terminal) {
    entries.emplace_back("TERM=xterm");
  }
  for (const char* name : {"NO_PROXY=", "no_proxy="}) {
    entries.push_back(name + std::string("127.0.0.1,localhost"));
  }
  entries.push_back("SSMSIM_ENDPOINT=" + session.endpoint);
  entries.push_back("SSMSIM_STREAM_URL=" + session.stream_url);
  // Not SSMSIM_TOKEN: that would make `ssmsim connect` attach to the prepared session.
  entries.push_back("SSMSIM_TOKEN_VALUE=" + session.token);
  entries.push_back("SSMSIM_SESSION_ID=" + session.session_id);
  entries.push_back("SSMSIM_TARGET=" + session.target);
  entries.push_back("SSMSIM_REGION=" + session.region);
  entries.push_back("AWS_ENDPOINT_URL=" + session.endpoint);
  entries.push_back("AWS_REGION=" + session.region);
  entries.push_back("AWS_DEFAULT_REGION=" + session.region);
  entries.emplace_back("AWS_ACCESS_KEY_ID=test");
  entries.emplace_back("AWS_SECRET_ACCESS_KEY=test");
  return entries;
}

}  // namespace ssm::conformance
