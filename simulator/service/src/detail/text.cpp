#include "detail/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace ssm::service::detail {
namespace {

constexpr std::string_view upper_hex = "0123456789ABCDEF";

[[nodiscard]] std::optional<unsigned> hex_value(char c) {
  if (is_digit(c)) {
    return static_cast<unsigned>(c - '0');
  }
  const char lower = to_lower(c);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<unsigned>(lower - 'a' + 10);
  }
  return std::nullopt;
}

/// Reads digits where `pattern` has '0' and demands equality elsewhere.
[[nodiscard]] bool matches_pattern(std::string_view text, std::string_view pattern) {
  return text.size() == pattern.size() &&
         std::equal(text.begin(), text.end(), pattern.begin(),
                    [](char c, char p) { return p == '0' ? is_digit(c) : c == p; });
}

/// Size of the UTF-8 sequence at the front, or 0 if there is no valid one (RFC 3629 section 4).
[[nodiscard]] std::size_t sequence_size(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&byte](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80U) {
    return 1;
  }
  if (first >= 0xC2U && first <= 0xDFU) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xE0U && first <= 0xEFU) {
    const bool overlong = first == 0xE0U && byte(1) < 0xA0U;
    const bool surrogate = first == 0xEDU && byte(1) > 0x9FU;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0U && first <= 0xF4U) {
    const bool overlong = first == 0xF0U && byte(1) < 0x90U;
    const bool too_large = first == 0xF4U && byte(1) > 0x8FU;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

[[nodiscard]] int number(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

struct CivilTime {
  int year, month, day, hour, minute, second;
};

[[nodiscard]] std::optional<std::int64_t> to_unix_ms(const CivilTime& t) {
  using namespace std::chrono;
  const year_month_day date{year{t.year}, month{static_cast<unsigned>(t.month)},
                            day{static_cast<unsigned>(t.day)}};
  if (!date.ok() || t.hour > 23 || t.minute > 59 || t.second > 59) {
    return std::nullopt;
  }
  const auto point = sys_days{date} + hours{t.hour} + minutes{t.minute} + seconds{t.second};
  return duration_cast<milliseconds>(point.time_since_epoch()).count();
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return to_lower(c); });
  return lower;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string percent_encode(std::string_view text, bool keep_slash) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += upper_hex[byte >> 4U];
      encoded += upper_hex[byte & 0x0FU];
    }
  }
  return encoded;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_value(text[i + 1]);
      const auto low = hex_value(text[i + 2]);
      if (high && low) {
        decoded += static_cast<char>((*high << 4U) | *low);
        i += 2;
        continue;
      }
    }
    decoded += text[i] == '+' && plus_is_space ? ' ' : text[i];
  }
  return decoded;
}

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string excerpt(std::string_view utf8, std::size_t max_bytes) {
  if (utf8.size() <= max_bytes) {
    return std::string(utf8);
  }
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(utf8[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return std::string(utf8.substr(0, end)) + "...";
}

std::string to_valid_utf8(std::string_view text) {
  std::string valid(text);
  for (std::size_t i = 0; i < valid.size();) {
    const std::size_t size = sequence_size(text.substr(i));
    if (size == 0) {
      valid[i] = '?';
    }
    i += std::max<std::size_t>(size, 1);
  }
  return valid;
}

std::string xml_escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20U && c != '\t' && c != '\n' ? '?' : c;
    }
  }
  return escaped;
}

std::optional<std::int64_t> parse_basic_time(std::string_view text) {
  if (!matches_pattern(text, "00000000T000000Z")) {
    return std::nullopt;
  }
  return to_unix_ms({number(text.substr(0, 4)), number(text.substr(4, 2)),
                     number(text.substr(6, 2)), number(text.substr(9, 2)),
                     number(text.substr(11, 2)), number(text.substr(13, 2))});
}

std::string format_basic_time(std::int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds{unix_ms}};
  const auto midnight = floor<days>(point);
  const year_month_day date{midnight};
  const hh_mm_ss time{floor<seconds>(point - midnight)};
  std::string text;
  const auto append = [&text](long value, std::size_t width) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    const auto count = static_cast<std::size_t>(end - digits.data());
    text.append(count < width ? width - count : 0, '0');
    text.append(digits.data(), count);
  };
  append(static_cast<int>(date.year()), 4);
  append(static_cast<long>(static_cast<unsigned>(date.month())), 2);
  append(static_cast<long>(static_cast<unsigned>(date.day())), 2);
  text += 'T';
  append(time.hours().count(), 2);
  append(time.minutes().count(), 2);
  append(time.seconds().count(), 2);
  text += 'Z';
  return text;
}

std::optional<std::int64_t> parse_extended_time(std::string_view text) {
  constexpr std::string_view pattern = "0000-00-00T00:00:00";
  if (!matches_pattern(text.substr(0, pattern.size()), pattern)) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(pattern.size());
  std::int64_t fraction_ms = 0;
  if (rest.starts_with('.')) {
    std::size_t digits = 0;
    std::int64_t unit = 100;
    while (digits + 1 < rest.size() && digits < 9 && is_digit(rest[digits + 1])) {
      fraction_ms += unit * (rest[digits + 1] - '0');
      unit /= 10;
      ++digits;
    }
    if (digits == 0) {
      return std::nullopt;
    }
    rest.remove_prefix(digits + 1);
  }
  if (rest != "Z") {
    return std::nullopt;
  }
  const auto seconds_ms = to_unix_ms({number(text.substr(0, 4)), number(text.substr(5, 2)),
                                      number(text.substr(8, 2)), number(text.substr(11, 2)),
                                      number(text.substr(14, 2)), number(text.substr(17, 2))});
  if (!seconds_ms) {
    return std::nullopt;
  }
  return *seconds_ms + fraction_ms;
}

}  // namespace ssm::service::detail
