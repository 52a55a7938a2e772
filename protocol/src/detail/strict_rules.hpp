#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "ssm/protocol/time.hpp"

/// What both strict profiles have in common.

namespace ssm::protocol::detail {

// The number of messages in flight, acknowledged ones behind an unacknowledged one not counted.
// 1024 messages of 1 KiB: enough for 50 MB/s at a round trip of 20 ms, a tenth of what the smallest
// reference receiver holds ahead of a gap (10,000; plugin src/config/config.go), so that nothing we
// send is ever refused, and little enough that a keystroke's echo does not wait behind a long
// queue.
inline constexpr std::size_t strict_window = 1024;

// Kept up for as long as the session can still exist: the service ends one that was idle for 60
// minutes at most (idleSessionTimeout of the session preferences; 20 by default), and says so when
// asked to resume it. Six tries double the delay to 5 s, then one every 5 s. The references stop
// after 6 tries, about 5 s, which loses sessions to every longer outage (session-manager-plugin
// issue 135).
inline constexpr std::uint32_t strict_reconnect_retries = 6 + 60 * 60 / 5;

// An unacknowledged message ends the plugin's session after 3000 resends, one every 100 ms
// (RTX-012). Ours are spaced by the RTO, so the limit is that time.
inline constexpr Duration strict_resend_time_limit = std::chrono::minutes(5);

}  // namespace ssm::protocol::detail
