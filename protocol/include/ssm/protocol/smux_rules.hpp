#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

enum class SmuxScheduling : std::uint8_t {
  /// The stream that has sent least so far goes first: fewest frames in version 1, fewest bytes in
  /// version 2. A young stream overtakes old ones until it has sent as much as they did.
  least_sent,
  /// Equal shares (start-time fair queueing by bytes). A stream that was idle goes first, once.
  fair,
};

/// How a smux session behaves. The defaults are ours. Both ends know the version in advance; there
/// is no negotiation.
///
/// Memory of a session is at most `receive_bytes` + one frame of unread data, `stream_send_bytes`
/// for each open stream, and some 300 bytes for each stream.
struct SmuxRules {
  std::string_view name = "strict";
  /// 1 (both AWS programs) or 2 (with a window per stream).
  std::uint8_t version = 1;
  /// The first id each side gives to a stream; further ones are 2 apart (MUX-003).
  std::uint32_t client_first_id = 3;
  std::uint32_t server_first_id = 2;

  /// Largest payload of a PSH sent. The protocol's peers take 65535 and send at most 32768; a
  /// frame delays what other streams have to say, so ours are short.
  std::size_t frame_bytes_max = 4096;
  /// Bytes written to one stream and not yet sent; more must wait.
  std::size_t stream_send_bytes = std::size_t{64} * 1024;
  SmuxScheduling scheduling = SmuxScheduling::fair;

  /// Token bucket: unread bytes of all streams. When it is used up, nothing more is taken from the
  /// peer.
  std::size_t receive_bytes = std::size_t{64} * 1024 * 1024;
  /// Unread bytes of one stream (version 1, which has no window); 0: no limit. At the limit nothing
  /// more is taken from the peer either, because bytes of other streams come behind.
  std::size_t stream_receive_bytes = std::size_t{32} * 1024 * 1024;
  /// Nothing was taken for so long because of either limit and the reader of the stream that holds
  /// most did not read: that stream is reset so that the others can go on. Zero: at once. Not set:
  /// never (BUG-014).
  std::optional<Duration> stalled_reader_limit = std::chrono::seconds(10);
  /// Version 2: the window given to the peer for each stream. Sent at the first read and whenever
  /// half of it was read.
  std::uint32_t stream_window_bytes = 256 * 1024;
  /// Version 2: a stream whose peer sends beyond its window is reset.
  bool checks_window = true;

  /// Streams of the peer that wait for accept().
  std::size_t accept_backlog = 1024;
  /// One more is refused with FIN; otherwise nothing more is taken until there is room (MUX-044).
  bool refuses_over_backlog = true;
  /// A client refuses every stream of the server with FIN; otherwise such streams wait for an
  /// accept() that never comes, and their bytes use up the bucket (MUX-042).
  bool client_refuses_streams = true;
  /// Open streams, of both sides; one more of the peer is refused with FIN. 0: no limit.
  std::size_t streams_max = 16 * 1024;
  /// Control frames that wait to be sent; at the limit nothing more is taken from the peer. 0: no
  /// limit.
  std::size_t control_frames_max = 32 * 1024;

  /// finish() ends only our direction; otherwise it is close().
  bool half_close = true;
  /// PSH after FIN is delivered while the stream exists.
  bool delivers_after_fin = false;
  /// SYN, FIN and NOP with a payload, and UPD with other than 8 bytes, end the session; otherwise
  /// the length is not looked at, and a payload is taken for frames (MUX-024).
  bool checks_lengths = true;
  /// UPD in version 1 ends the session; otherwise it is skipped (MUX-019).
  bool update_in_version_1_is_error = false;

  /// Whether NOPs are sent and missed; see the gates of port sessions. With a timeout of 0 they are
  /// only sent.
  bool keepalive = false;
  Duration keepalive_interval = std::chrono::seconds(10);
  Duration keepalive_timeout = std::chrono::seconds(30);
};

/// `strict`, `smux-1.5.16` (as in both AWS programs), `smux-1.5.57` (upstream, March 2026); nullptr
/// for other names.
[[nodiscard]] const SmuxRules* find_smux_rules(std::string_view name);
[[nodiscard]] std::span<const SmuxRules> smux_rules();

}  // namespace ssm::protocol
