#include "ssm/client/copy_plan.hpp"

#include "ssm/client/api_client.hpp"
#include "ssm/protocol/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace ssm::client {
namespace {

constexpr std::size_t largest_path_bytes = std::size_t{64} * 1024;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

std::optional<CopyKind> kind_of(std::string_view letter) {
  constexpr std::string_view letters = "FDLOXN";
  const std::size_t at = letter.size() == 1 ? letters.find(letter) : std::string_view::npos;
  return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<CopyKind>(at));
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::min(seconds, 359999.0));
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{:02}:{:02}", whole / 60, whole % 60);
}

}  // namespace

std::optional<CopyPlace> parse_copy_place(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (text.empty() || colon == 0) {
    return std::nullopt;
  }
  if (colon == std::string_view::npos || text.find('/') < colon) {
    return CopyPlace{.target = {}, .path = std::string(text)};
  }
  const std::string_view path = text.substr(colon + 1);
  return CopyPlace{.target = std::string(text.substr(0, colon)),
                   .path = path.empty() ? "." : std::string(path)};
}

std::string plain_path(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') {
    path.remove_suffix(1);
  }
  if (path.empty() || path == ".") {
    return ".";
  }
  const bool is_plain = path.front() == '/' || path.starts_with("./") || path.starts_with("../");
  return is_plain ? std::string(path) : "./" + std::string(path);
}

std::string copy_name(std::string_view path) {
  const std::string plain = plain_path(path);
  std::string name = plain.substr(plain.rfind('/') + 1);
  return name == "." || name == ".." ? std::string() : name;
}

std::string join_path(std::string_view folder, std::string_view name) {
  if (name.empty()) {
    return std::string(folder);
  }
  return fmt::format("{}{}{}", folder, folder.ends_with('/') ? "" : "/", name);
}

std::string partial_name(std::string_view name) {
  std::string text = ".ssmsim-part-";
  const protocol::Digest digest = protocol::sha256(protocol::as_bytes(name));
  for (std::size_t i = 0; i < 8; ++i) {
    text += fmt::format("{:02x}", static_cast<unsigned>(digest.at(i)));
  }
  return text;
}

std::optional<std::string> relative_to(std::string_view top, std::string_view path) {
  if (path == top) {
    return std::string();
  }
  const std::string prefix = join_path(top, "/").substr(0, top.size() + !top.ends_with('/'));
  if (!path.starts_with(prefix)) {
    return std::nullopt;
  }
  path.remove_prefix(prefix.size());
  std::string_view rest = path;
  while (true) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.empty() || part == "." || part == "..") {
      return std::nullopt;
    }
    if (part.size() == rest.size()) {
      return std::string(path);
    }
    rest.remove_prefix(part.size() + 1);
  }
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

std::optional<ListLine> parse_list_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() != 7) {
    return std::nullopt;
  }
  const auto kind = kind_of(words[0]);
  const auto mode = parse_number(words[1], 8);
  // A time before 1970 has a sign.
  const bool negative = words[2].starts_with('-');
  const auto mtime = parse_number(words[2].substr(negative ? 1 : 0));
  const auto size = parse_number(words[3]);
  const auto path_bytes = parse_number(words[5]);
  const auto link_bytes = parse_number(words[6]);
  if (!kind || !mode || !mtime || !size || !path_bytes || !link_bytes || *path_bytes == 0 ||
      *path_bytes > largest_path_bytes || *link_bytes > largest_path_bytes) {
    return std::nullopt;
  }
  ListLine parsed;
  parsed.entry.kind = *kind;
  parsed.entry.mode = static_cast<unsigned>(*mode & 07777U);
  parsed.entry.mtime =
      negative ? -static_cast<std::int64_t>(*mtime) : static_cast<std::int64_t>(*mtime);
  parsed.entry.size = *size;
  parsed.entry.hash = words[4] == "-" ? "" : std::string(words[4]);
  parsed.path_bytes = static_cast<std::size_t>(*path_bytes);
  parsed.link_bytes = static_cast<std::size_t>(*link_bytes);
  return parsed;
}

std::string bytes_text(double bytes) {
  constexpr std::array units = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < units.size()) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes)
                   : fmt::format("{:.1f} {}", bytes, units.at(unit));
}

std::string progress_line(const CopyProgress& progress, std::size_t columns) {
  const auto done = static_cast<double>(progress.done);
  const auto total = static_cast<double>(progress.total);
  const double share = progress.total == 0 ? 1 : std::min(done / total, 1.0);
  const double rate = progress.seconds > 0
                          ? static_cast<double>(progress.done - progress.resumed) / progress.seconds
                          : 0;
  const std::string tail =
      fmt::format(" {:3.0f}% {:>9} {:>9}/s {}", share * 100, bytes_text(done), bytes_text(rate),
                  progress.done >= progress.total ? duration_text(progress.seconds)
                  : rate > 0                      ? "ETA " + duration_text((total - done) / rate)
                                                  : std::string("ETA --:--"));
  if (columns <= tail.size()) {
    return tail.substr(1, columns);
  }
  std::string name = printable(progress.name);
  const std::size_t room = columns - tail.size();
  name.resize(std::min(name.size(), room / 2));
  const std::size_t bar =
      room - name.size() >= 8 ? std::min<std::size_t>(room - name.size() - 3, 30) : 0;
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar));
  return bar == 0 ? name + tail
                  : fmt::format("{} [{}{}]{}", name, std::string(filled, '#'),
                                std::string(bar - filled, '.'), tail);
}

}  // namespace ssm::client
