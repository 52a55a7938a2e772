#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ssm::agent::detail {

/// The text of the first element of this name (a namespace prefix is ignored), with entities and
/// CDATA sections decoded. Nothing when there is no such element, it is not closed, it has child
/// elements, or an entity is unknown.
[[nodiscard]] std::optional<std::string> find_xml_text(std::string_view document,
                                                       std::string_view element);

}  // namespace ssm::agent::detail
