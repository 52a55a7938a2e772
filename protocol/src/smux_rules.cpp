#include "ssm/protocol/smux_rules.hpp"

#include <algorithm>
#include <array>

namespace ssm::protocol {
namespace {

// Observed by reading and running github.com/xtaci/smux v1.5.16, vendored by session-manager-plugin
// 1.2.677.0; amazon-ssm-agent 3.3.1142.0 has v1.5.15, which differs only in the type of a priority.
constexpr SmuxRules smux_1_5_16{
    .name = "smux-1.5.16",
    .frame_bytes_max = 32768,    // mux.go, MaxFrameSize
    .stream_send_bytes = 32768,  // stream.go, Write: blocks until its frame is written
    .scheduling = SmuxScheduling::least_sent,       // shaper.go
    .receive_bytes = std::size_t{4} * 1024 * 1024,  // mux.go, MaxReceiveBuffer
    .stream_receive_bytes = 0,
    .stalled_reader_limit = {},
    .stream_window_bytes = 65536,  // mux.go, MaxStreamBuffer
    .checks_window = false,
    .accept_backlog = 1024,  // session.go, defaultAcceptBacklog
    .refuses_over_backlog = false,
    .client_refuses_streams = false,
    .streams_max = 0,
    .control_frames_max = 0,
    .half_close = false,
    .delivers_after_fin = true,
    .checks_lengths = false,
    .update_in_version_1_is_error = false,
    .keepalive = true,  // mux.go, DefaultConfig
};

constexpr SmuxRules upstream_2026() {
  SmuxRules rules = smux_1_5_16;
  rules.name = "smux-1.5.57";
  rules.half_close = true;                    // 1.5.54
  rules.checks_lengths = true;                // 1.5.56
  rules.update_in_version_1_is_error = true;  // 1.5.52
  return rules;
}

constexpr std::array all_rules{SmuxRules{}, smux_1_5_16, upstream_2026()};

}  // namespace

const SmuxRules* find_smux_rules(std::string_view name) {
  const auto* const found =
      std::find_if(all_rules.begin(), all_rules.end(),
                   [&](const SmuxRules& rules) { return rules.name == name; });
  return found == all_rules.end() ? nullptr : found;
}

std::span<const SmuxRules> smux_rules() {
  return all_rules;
}

}  // namespace ssm::protocol
