#pragma once

#include <compare>
#include <optional>
#include <string_view>

/// Versions as the two ends compare them. The rules differ, and each end's gates are decided by its
/// own rule.

namespace ssm::protocol {

/// The client's rule (session-manager-plugin `src/version/versionutil.go`): as many numbers on both
/// sides, compared from the left. nullopt when the counts differ, a version is empty, or a part
/// that has to be looked at is no number: the feature is then taken for unsupported (HS-033).
[[nodiscard]] std::optional<std::strong_ordering> compare_as_client(std::string_view version,
                                                                    std::string_view other);

/// The agent's rule (amazon-ssm-agent `agent/versionutil/versionutil.go`, strict): SemVer order if
/// both have its three-part form; otherwise part by part, as numbers if both parts are numbers and
/// as text if not, and the longer one is greater if one runs out. So 1.2.295.0 is greater than
/// 1.2.295, and an empty version less than all others (HS-034).
[[nodiscard]] std::strong_ordering compare_as_agent(std::string_view version,
                                                    std::string_view other);

/// What a client does according to the agent's version. The named version itself does not have the
/// feature (session-manager-plugin `src/config/config.go`, `src/version/versionvalidator.go`;
/// PORT-003).
namespace client_gate {

inline constexpr std::string_view terminate_flag_after = "2.3.722.0";
inline constexpr std::string_view multiplexing_after = "3.0.196.0";
inline constexpr std::string_view no_keep_alive_after = "3.1.1511.0";

/// The agent ends a port session on the flag TerminateSession; otherwise the API has to be called.
[[nodiscard]] bool agent_knows_terminate_flag(std::string_view agent_version);
/// The agent multiplexes port sessions of type LocalPortForwarding.
[[nodiscard]] bool agent_multiplexes(std::string_view agent_version);
/// The client sends no keep-alive in the multiplexer.
[[nodiscard]] bool keep_alive_is_off(std::string_view agent_version);

}  // namespace client_gate

/// What an agent does according to the client's version.
namespace agent_gate {

/// agent/session/datachannel/datachannel.go.
inline constexpr std::string_view separate_output_warning_up_to = "1.2.295";
/// agent/session/plugins/port/port.go.
inline constexpr std::string_view multiplexing_from = "1.1.70";
inline constexpr std::string_view no_keep_alive_after = "1.2.331.0";

/// The client shows stdout and stderr as one; its user is told to update it (HS-031).
[[nodiscard]] bool client_mixes_output(std::string_view client_version);
/// The client multiplexes port sessions of type LocalPortForwarding.
[[nodiscard]] bool client_multiplexes(std::string_view client_version);
/// The agent sends no keep-alive in the multiplexer.
[[nodiscard]] bool keep_alive_is_off(std::string_view client_version);

}  // namespace agent_gate

}  // namespace ssm::protocol
