#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/service/aws_error.hpp"

namespace ssm::service::detail {

/// What a request violates. A member of the wrong type wins over constraints, as the service reads
/// the whole request before it validates.
class Violations {
 public:
  void wrong_type(std::string message);
  void add(std::string_view value, std::string_view member, std::string_view constraint);
  /// SerializationException or ValidationException with AWS's texts; nullopt if all is well.
  [[nodiscard]] std::optional<AwsError> error() const;

 private:
  std::optional<std::string> wrong_type_;
  std::vector<std::string> constraints_;
};

struct StringRule {
  bool required = false;
  std::size_t min_length = 0;  ///< in characters
  std::size_t max_length = SIZE_MAX;
  std::string_view pattern_text{};
  bool (*matches)(std::string_view) = nullptr;
  std::span<const std::string_view> values{};  ///< empty: any
};

struct IntegerRule {
  std::int64_t min = 0;
  std::int64_t max = 0;
};

struct ListRule {
  bool required = false;
  std::size_t min_size = 0;
  std::size_t max_size = SIZE_MAX;
};

/// Reads the members of one JSON object under the constraints of a model. A member that is null is
/// absent; unknown members are ignored. Everything wrong is noted in the Violations; the values
/// returned then are only placeholders. Members are named as AWS does: `filters.1.member.key`.
class ModelReader {
 public:
  ModelReader(const boost::json::object& object, Violations& violations, std::string prefix = {})
      : object_(object), violations_(violations), prefix_(std::move(prefix)) {}

  std::optional<std::string> string(std::string_view member, const StringRule& rule);
  std::optional<std::int64_t> integer(std::string_view member, const IntegerRule& rule);
  std::vector<std::string> strings(std::string_view member, const ListRule& list,
                                   const StringRule& item);
  /// Readers of the objects in a list.
  std::vector<ModelReader> objects(std::string_view member, const ListRule& list);
  /// Map from text to list of text: the constraints of StartSession's Parameters.
  std::vector<std::pair<std::string, std::vector<std::string>>> string_lists(
      std::string_view member, std::size_t max_key_length, std::size_t max_item_length);

 private:
  const boost::json::value* find(std::string_view member, bool required);
  const boost::json::array* find_list(std::string_view member, const ListRule& rule);
  const boost::json::array* checked_list(const boost::json::value& value, const std::string& where,
                                         const ListRule& rule);
  std::vector<std::string> checked_strings(const boost::json::array& values,
                                           const std::string& where, const StringRule& rule);
  [[nodiscard]] std::string path(std::string_view member) const;
  std::optional<std::string> checked(const boost::json::value& value, const std::string& where,
                                     const StringRule& rule);

  const boost::json::object& object_;
  Violations& violations_;
  std::string prefix_;
};

/// The request's body as an object. Error: SerializationException.
[[nodiscard]] AwsResult<boost::json::object> parse_object(std::string_view body);

}  // namespace ssm::service::detail
