#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/message.hpp"

/// What the two ends of a port session, PortClient and PortAgent, tell their drivers.

namespace ssm::protocol {

/// A TCP connection (or stdin and stdout) at this end.
using PortConnection = std::uint32_t;

/// Agent: connect to the destination; answer with dialed or dial_failed.
struct PortDial {
  PortConnection id = 0;
};
/// Write `readable(id)` to the connection and say `consumed`; once that is empty and
/// `read_ended(id)`, end the connection's writing side.
struct PortReadable {
  PortConnection id = 0;
};
/// `room(id)` was 0 and is not any more: read the connection again.
struct PortWritable {
  PortConnection id = 0;
};
enum class PortCloseReason : std::uint8_t {
  ended,          ///< both directions are over
  refused,        ///< the destination refused
  busy,           ///< basic mode serves one connection at a time
  no_stream,      ///< no stream could be opened for it
  stalled,        ///< it did not read, and others had to wait
  peer_error,     ///< the other end broke the rules of its stream
  dial_timeout,   ///< agent: the destination did not answer in time
  session_ended,  ///< nothing can be carried any more
};
/// Close the connection at once; its number means nothing any more.
struct PortClosed {
  PortConnection id = 0;
  PortCloseReason reason = PortCloseReason::ended;
};
/// Client: some destination refused (flag 3); the reference prints a line.
struct PortDestinationRefused {};
/// `receive` takes stream data again.
struct PortReceivePossible {};
/// Client: stdin has ended and everything was given to poll_output: call ClientRole::finish_input.
struct PortInputFinished {};
/// Client: call the TerminateSession API; the agent is too old for the flag.
struct PortTerminateByApi {};

enum class PortEndReason : std::uint8_t {
  terminated,         ///< by flag 2
  destination_ended,  ///< without type LocalPortForwarding: EOF of the only connection
  destination_reset,
  disconnected,  ///< the same type: flag 1
  dial_failed,
  mux_error,  ///< the other end broke the rules of the multiplexer, or was silent for too long
};
/// The session is over: nothing more is sent; end it with this result.
struct PortEnded {
  PortEndReason reason = PortEndReason::terminated;
  int exit_code = 0;  ///< 0 is Success, 1 is Failed
  std::string text;
};

using PortEvent =
    std::variant<PortDial, PortReadable, PortWritable, PortClosed, PortDestinationRefused,
                 PortReceivePossible, PortInputFinished, PortTerminateByApi, PortEnded>;

/// Stream data to be sent; the bytes are valid until the next call.
struct PortOutput {
  PayloadType type = PayloadType::output;
  Bytes data;
};

}  // namespace ssm::protocol
