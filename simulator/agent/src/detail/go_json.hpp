#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace ssm::agent::detail {

/// Member of `object` for a field of a Go struct: letter case does not count, the last one wins.
/// nullptr when it is missing, null, or `object` is no object.
[[nodiscard]] const boost::json::value* find_field(const boost::json::value& object,
                                                   std::string_view field);

/// Reads fields as encoding/json fills a struct; keeps the text of the first error.
class StructReader {
 public:
  /// `type` is the struct's name in error texts; a null `object` has no members.
  StructReader(const boost::json::value& object, std::string_view type);

  void read(std::string_view field, std::string& out);
  void read(std::string_view field, bool& out);
  /// A boolean, or a text that strconv.ParseBool takes; null and empty are false.
  void read_lenient(std::string_view field, bool& out);
  /// A nested object; a null value if it is missing.
  [[nodiscard]] const boost::json::value& object(std::string_view field);

  [[nodiscard]] const std::optional<std::string>& error() const { return error_; }

 private:
  void fail(std::string_view field, const boost::json::value& seen, std::string_view wanted);

  const boost::json::value& object_;
  std::string type_;
  std::optional<std::string> error_;
};

/// A decoded value as fmt's %v shows it: `map[host:db portNumber:]`.
[[nodiscard]] std::string go_format(const boost::json::value& value);

}  // namespace ssm::agent::detail
