#pragma once

#include <memory>

#include "ssm/client/session_client.hpp"

namespace ssm::client {

struct StreamForwardingOptions {
  /// Descriptors of the caller; they stay its own and keep their flags.
  int input = 0;
  int output = 1;
  /// After the end of the input, which the other side cannot be told: the session is ended once
  /// nothing has come for so long. An output that nobody reads ends it at once.
  net::Duration quiet_limit = std::chrono::seconds(10);
};

/// Port sessions without the type LocalPortForwarding (AWS-StartSSHSession): one connection to the
/// destination, carried over two descriptors, byte for byte. No terminal is touched (SSH-012).
///
/// The output is written as fast as its reader takes it; until then nothing more is taken from the
/// session. The input is read as fast as the session takes it. After its end what was read is
/// delivered and what still comes is written (SSH-008, SSH-009). When the reader of the output has
/// gone, the client ends with SessionEnd::left (SSH-015).
[[nodiscard]] std::unique_ptr<SessionApplication> make_stream_forwarding(
    const protocol::SessionStarted& started, SessionHost& host,
    const StreamForwardingOptions& options);

}  // namespace ssm::client
