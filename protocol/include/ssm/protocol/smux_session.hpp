#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "ssm/protocol/byte_queue.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/smux_frame.hpp"
#include "ssm/protocol/smux_rules.hpp"
#include "ssm/protocol/smux_schedule.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

enum class SmuxSide : std::uint8_t { client, server };

/// A stream of the peer waits: call accept().
struct SmuxStreamWaiting {};
/// There are bytes to read, or the end: call readable() and read_ended(). Comes again only after
/// this one was polled.
struct SmuxReadable {
  std::uint32_t stream_id = 0;
};
/// A write() that took less than it was given, or all there was room for, can go on.
struct SmuxWritable {
  std::uint32_t stream_id = 0;
};
enum class SmuxResetReason : std::uint8_t {
  stalled_reader,      ///< its reader stopped everything for too long, see SmuxRules
  window_overrun,      ///< version 2: the peer sent more than it may
  update_beyond_sent,  ///< version 2: the peer consumed more than was sent
};
/// The session closed a stream: what was unread and unsent is lost, and the stream is gone.
struct SmuxStreamReset {
  std::uint32_t stream_id = 0;
  SmuxResetReason reason = SmuxResetReason::stalled_reader;
};
/// receive() may take bytes again.
struct SmuxReceivePossible {};
enum class SmuxEndReason : std::uint8_t {
  wrong_version,
  unknown_command,
  wrong_length,
  unexpected_update,
  keepalive_timeout,
};
/// The session has ended: nothing is sent or taken any more. What was received before can be read.
struct SmuxEnded {
  SmuxEndReason reason = SmuxEndReason::wrong_version;
  std::string text;  ///< expected, seen, where
};

using SmuxEvent = std::variant<SmuxStreamWaiting, SmuxReadable, SmuxWritable, SmuxStreamReset,
                               SmuxReceivePossible, SmuxEnded>;

/// One end of an smux session: many byte streams in one (MUX-001 to MUX-066).
///
/// Bytes from the peer go in by receive(), cut anywhere; bytes for the peer come out by
/// poll_output(), as few at a time as the caller likes: which stream sends is decided as late as
/// possible. Calls about a stream that does not exist (any more) do nothing: the session may have
/// reset it, which an event tells. Bounded as said in SmuxRules; reaching a bound is an event or
/// stops receive(). O(log n) per frame in the number of streams.
///
/// Pure; not thread safe. Times must not go backwards. Owns copies of all bytes.
class SmuxSession {
 public:
  SmuxSession(SmuxSide side, const SmuxRules& rules, Instant now);

  // ---- streams

  /// A new stream of ours. Error: limit_reached when all ids were used (MUX-026), or after the end.
  [[nodiscard]] Result<std::uint32_t> open();
  /// The oldest stream of the peer that waits. Its bytes may be there already.
  [[nodiscard]] std::optional<std::uint32_t> accept();

  /// Takes the first bytes of `bytes`; how many. Less than all, or writable() now 0: wait for
  /// SmuxWritable.
  std::size_t write(std::uint32_t stream_id, Bytes bytes);
  /// How many bytes write() would take.
  [[nodiscard]] std::size_t writable(std::uint32_t stream_id) const;
  /// Unread bytes as far as they lie together; empty if there are none. Valid until the next call.
  [[nodiscard]] Bytes readable(std::uint32_t stream_id) const;
  /// The application is done with the first `count` unread bytes.
  void consume(std::uint32_t stream_id, std::size_t count, Instant now);
  /// Nothing is unread and nothing will come: FIN, end of the session, or no such stream.
  [[nodiscard]] bool read_ended(std::uint32_t stream_id) const;
  /// Nothing more will be written: FIN follows what was (MUX-032); reading goes on, if the rules
  /// have half_close.
  void finish(std::uint32_t stream_id);
  /// Neither written nor read any more: what is unread is lost, FIN follows what was written.
  void close(std::uint32_t stream_id);
  /// As close, but what is unsent is lost too (MUX-034). At most one frame is completed.
  void reset(std::uint32_t stream_id);

  // ---- the peer

  /// Takes bytes from the peer; how many. Less than all: receive_blocked(), and the rest has to be
  /// given again after SmuxReceivePossible. After the end everything is taken and dropped.
  std::size_t receive(Bytes bytes, Instant now);
  [[nodiscard]] bool receive_blocked() const;

  /// Fills `out` as far as there is something to send; how many bytes.
  [[nodiscard]] std::size_t poll_output(MutableBytes out);
  [[nodiscard]] bool has_output() const;
  [[nodiscard]] std::optional<SmuxEvent> poll_event();
  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  [[nodiscard]] bool ended() const { return ended_; }
  /// Streams that exist, ours and the peer's, also those that only have something to send left.
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  /// Unread bytes of all streams.
  [[nodiscard]] std::size_t unread() const { return unread_; }
  [[nodiscard]] const SmuxRules& rules() const { return rules_; }

 private:
  struct Stream {
    ByteQueue received;
    ByteQueue unsent;
    SmuxSchedule::Share share;
    Instant last_read{};
    bool fin_received = false;
    bool fin_wanted = false;  ///< no more is written
    bool fin_queued = false;
    bool fin_sent = false;
    bool discards = false;  ///< closed by us: nobody reads
    bool write_blocked = false;
    bool readable_told = false;
    // Version 2, modulo 2^32.
    std::uint32_t written = 0;
    std::uint32_t peer_consumed = 0;
    std::uint32_t peer_window = 0;
    std::uint32_t consumed = 0;
    std::uint32_t consumed_since_update = 0;
    bool update_queued = false;
    bool update_sent = false;
  };
  using Streams = std::map<std::uint32_t, Stream>;
  struct Control {
    SmuxCommand command = SmuxCommand::nop;
    std::uint32_t stream_id = 0;
  };
  /// What the next byte of the peer is.
  enum class Stage : std::uint8_t {
    header,
    held,  ///< a whole header that cannot be acted on yet
    payload,
    update,
  };
  enum class Block : std::uint8_t { none, reader, control, backlog };

  [[nodiscard]] Stream* find(std::uint32_t stream_id);
  [[nodiscard]] const Stream* find(std::uint32_t stream_id) const;
  void forget_if_done(Streams::iterator stream);
  void discard_received(Stream& stream);
  void tell_readable(std::uint32_t stream_id, Stream& stream);
  void tell_writable(std::uint32_t stream_id, Stream& stream);
  void abort_stream(std::uint32_t stream_id, SmuxResetReason reason);
  void fail(SmuxEndReason reason, std::string text);
  void after_room();

  // Receiving (smux_receive.cpp).
  [[nodiscard]] Block block() const;
  [[nodiscard]] std::optional<Instant> stall_deadline() const;
  bool reset_stalled(Instant now);
  void begin_frame();
  void act_on_header();
  void check_length(std::size_t expected);
  void receive_syn();
  void receive_fin();
  void receive_payload(Bytes& input, Instant now);
  void receive_update();
  void note_consumed(std::uint32_t stream_id, Stream& stream, std::size_t count);

  // Sending (smux_send.cpp).
  [[nodiscard]] std::size_t sendable(const Stream& stream) const;
  void schedule(std::uint32_t stream_id, Stream& stream);
  void queue_fin_if_due(std::uint32_t stream_id, Stream& stream);
  [[nodiscard]] bool begin_output();
  [[nodiscard]] bool begin_control();
  void begin_push(std::uint32_t stream_id, Stream& stream);
  void stage_header(SmuxCommand command, std::size_t length, std::uint32_t stream_id);
  std::size_t move_payload(MutableBytes out);

  SmuxSide side_;
  SmuxRules rules_;
  Streams streams_;
  std::uint64_t next_id_;
  std::deque<std::uint32_t> backlog_;
  std::deque<SmuxEvent> events_;
  std::size_t unread_ = 0;
  bool ended_ = false;

  Stage stage_ = Stage::header;
  SmuxCollector collector_;
  SmuxHeader header_;
  std::size_t payload_left_ = 0;
  std::uint64_t received_bytes_ = 0;  ///< for error texts
  bool was_blocked_ = false;
  Instant blocked_since_{};
  Instant last_read_{};

  SmuxSchedule schedule_;
  std::deque<Control> control_;
  std::array<std::byte, smux_header_size + 8> staged_{};  ///< header, and payload of UPD
  std::size_t staged_begin_ = 0;
  std::size_t staged_end_ = 0;
  Stream* sending_ = nullptr;  ///< whose frame is being sent
  std::uint32_t sending_id_ = 0;
  std::size_t sending_left_ = 0;

  bool frame_seen_ = false;  ///< since the last check
  bool nop_queued_ = false;
  Instant next_nop_{};
  Instant next_check_{};
};

}  // namespace ssm::protocol
