#pragma once

#include <boost/json/value.hpp>

#include <map>
#include <string>
#include <string_view>

namespace ssm::agent::detail {

/// Values by name. Names are letters and digits.
using Parameters = std::map<std::string, boost::json::value, std::less<>>;

/// Letters and digits, at least one.
[[nodiscard]] bool is_parameter_name(std::string_view name);

/// Replaces `{{ name }}`, white space inside the braces optional, in all strings of `value`
/// (amazon- ssm-agent `agent/framework/docparser/parameters/parameters.go`):
///  - a string that is one reference and nothing else becomes the parameter's value, of any type;
///  - elsewhere the value goes in as text, other types as JSON. The text is a replacement template
///    of Go's regexp: `$$` becomes `$`, `$0` the reference itself, any other `$name` nothing.
/// References to unknown names stay. What was put in is not searched again.
[[nodiscard]] boost::json::value replace_parameters(const boost::json::value& value,
                                                    const Parameters& parameters);

/// Whether a `{{ssm:...}}` or `{{ssm-secure:...}}` reference is left in `value`; the reference
/// itself, or empty.
[[nodiscard]] std::string find_store_reference(const boost::json::value& value);

}  // namespace ssm::agent::detail
