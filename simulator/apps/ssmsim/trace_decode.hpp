#pragma once

#include <istream>
#include <ostream>

namespace ssmsim {

struct TraceDecodeOptions {
  /// One JSON object per line.
  bool json = false;
  /// The input is a hex dump of one AgentMessage.
  bool hex = false;
};

/// Writes what `in` holds to `out`, one record per line; why it cannot be read to stderr. Returns
/// the exit code: exit_findings if a message is malformed or the recording is cut or damaged,
/// exit_infrastructure if it is none or `out` fails.
[[nodiscard]] int decode_trace(std::istream& in, std::ostream& out,
                               const TraceDecodeOptions& options);

}  // namespace ssmsim
