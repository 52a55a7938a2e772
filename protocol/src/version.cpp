#include "ssm/protocol/version.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace ssm::protocol {
namespace {

/// As Go's Atoi: a sign is allowed, nothing else.
std::optional<std::int64_t> number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') {
    text.remove_prefix(1);
  }
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

/// Takes the text before the next `separator`; nullopt once nothing is left.
class Parts {
 public:
  Parts(std::string_view text, char separator) : rest_(text), separator_(separator) {}

  std::optional<std::string_view> next() {
    if (!rest_) {
      return std::nullopt;
    }
    const std::size_t at = rest_->find(separator_);
    const std::string_view part = rest_->substr(0, at);
    if (at == std::string_view::npos) {
      rest_.reset();
    } else {
      rest_->remove_prefix(at + 1);
    }
    return part;
  }

 private:
  std::optional<std::string_view> rest_;
  char separator_;
};

std::strong_ordering compare_parts(std::string_view a, std::string_view b) {
  const auto number_a = number(a);
  const auto number_b = number(b);
  return number_a && number_b ? *number_a <=> *number_b : a.compare(b) <=> 0;
}

struct SemVer {
  std::array<std::int64_t, 3> numbers{};
  std::string_view pre_release;

  static std::optional<SemVer> parse(std::string_view text) {
    SemVer version;
    text = text.substr(0, text.find('+'));
    if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
      version.pre_release = text.substr(dash + 1);
      text = text.substr(0, dash);
    }
    Parts parts(text, '.');
    for (std::int64_t& value : version.numbers) {
      const auto part = parts.next();
      const auto read = part ? number(*part) : std::nullopt;
      if (!read) {
        return std::nullopt;
      }
      value = *read;
    }
    return parts.next() ? std::nullopt : std::optional(version);
  }

  std::strong_ordering operator<=>(const SemVer& other) const {
    if (const auto order = numbers <=> other.numbers; order != 0) {
      return order;
    }
    if (pre_release.empty() || other.pre_release.empty()) {
      return pre_release.empty() <=> other.pre_release.empty();
    }
    Parts mine(pre_release, '.');
    Parts theirs(other.pre_release, '.');
    while (true) {
      const auto a = mine.next();
      const auto b = theirs.next();
      if (!a || !b) {
        return a.has_value() <=> b.has_value();
      }
      if (const auto order = compare_parts(*a, *b); order != 0) {
        return order;
      }
    }
  }
};

bool client_finds_above(std::string_view version, std::string_view gate) {
  //= HS-033
  //= PORT-003
  return compare_as_client(version, gate) == std::strong_ordering::greater;
}

}  // namespace

std::optional<std::strong_ordering> compare_as_client(std::string_view version,
                                                      std::string_view other) {
  const auto dots = [](std::string_view text) {
    std::size_t count = 0;
    for (const char c : text) {
      count += c == '.' ? 1U : 0U;
    }
    return count;
  };
  if (version.empty() || other.empty() || dots(version) != dots(other)) {
    return std::nullopt;
  }
  Parts mine(version, '.');
  Parts theirs(other, '.');
  while (const auto a = mine.next()) {
    const auto number_a = number(*a);
    const auto number_b = number(*theirs.next());
    if (!number_a || !number_b) {
      return std::nullopt;
    }
    if (*number_a != *number_b) {
      return *number_a <=> *number_b;
    }
  }
  return std::strong_ordering::equal;
}

std::strong_ordering compare_as_agent(std::string_view version, std::string_view other) {
  const auto semver = SemVer::parse(version);
  const auto other_semver = SemVer::parse(other);
  if (semver && other_semver) {
    return *semver <=> *other_semver;
  }
  Parts mine(version, '.');
  Parts theirs(other, '.');
  while (true) {
    const auto a = mine.next();
    const auto b = theirs.next();
    if (!a || !b) {
      return a.has_value() <=> b.has_value();
    }
    if (const auto order = compare_parts(*a, *b); order != 0) {
      return order;
    }
  }
}

bool client_gate::agent_knows_terminate_flag(std::string_view agent_version) {
  //= PORT-002
  return client_finds_above(agent_version, terminate_flag_after);
}

bool client_gate::agent_multiplexes(std::string_view agent_version) {
  return client_finds_above(agent_version, multiplexing_after);
}

bool client_gate::keep_alive_is_off(std::string_view agent_version) {
  return client_finds_above(agent_version, no_keep_alive_after);
}

bool agent_gate::client_mixes_output(std::string_view client_version) {
  //= HS-031
  return compare_as_agent(client_version, separate_output_warning_up_to) <= 0;
}

bool agent_gate::client_multiplexes(std::string_view client_version) {
  return compare_as_agent(client_version, multiplexing_from) >= 0;
}

bool agent_gate::keep_alive_is_off(std::string_view client_version) {
  return compare_as_agent(client_version, no_keep_alive_after) > 0;
}

}  // namespace ssm::protocol
