#pragma once

#include <string>
#include <string_view>

#include "ssm/config/document.hpp"
#include "ssm/config/problem.hpp"
#include "ssm/fault/plan.hpp"

namespace ssm::schema::v1 {
class FaultPlan;
}

namespace ssm::config::detail {

/// From the schema's message, whose fields are each in range, to the engine's types, with the
/// checks that take more than one field or a table. `prefix` is the path of the plan in its
/// document: empty, or with a dot at its end.
[[nodiscard]] Loaded<fault::Plan> convert_fault_plan(const schema::v1::FaultPlan& plan,
                                                     std::string_view file,
                                                     const Positions& positions,
                                                     fault::Driver driver, std::string prefix);

}  // namespace ssm::config::detail
