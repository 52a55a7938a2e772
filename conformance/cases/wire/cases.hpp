#pragma once

#include <span>

#include "ssm/conformance/case.hpp"

namespace ssm::conformance::wire {

/// What the header of sent messages says.
[[nodiscard]] std::span<const Case> sent_header_cases();
/// MessageId, in both directions.
[[nodiscard]] std::span<const Case> message_id_cases();
/// Payload, its length and its digest, in both directions.
[[nodiscard]] std::span<const Case> payload_cases();
/// Unusual messages that must be taken.
[[nodiscard]] std::span<const Case> tolerance_cases();
/// Bad messages that must be dropped.
[[nodiscard]] std::span<const Case> bad_message_cases();
/// How JSON payloads are read.
[[nodiscard]] std::span<const Case> json_cases();

}  // namespace ssm::conformance::wire
