// Any eight bytes are a header and an update that write back as they were read; a stream of frames
// read by a session whole or a byte at a time ends in the same state as a naive parser says.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/smux_frame.hpp"
#include "ssm/protocol/smux_session.hpp"

namespace {

using namespace ssm::protocol;

void check_codec(Bytes input) {
  SmuxEightBytes bytes{};
  std::copy_n(input.begin(), bytes.size(), bytes.begin());
  SSM_ASSERT(encode(decode_smux_header(bytes)) == bytes);
  SSM_ASSERT(encode(decode_smux_update(bytes)) == bytes);
}

/// What strict rules of version 1 make of whole frames, written down as plainly as possible.
struct Naive {
  std::map<std::uint32_t, std::string> streams;
  std::map<std::uint32_t, bool> finished;
  bool failed = false;

  explicit Naive(Bytes input) {
    while (input.size() >= smux_header_size && !failed) {
      SmuxEightBytes bytes{};
      std::copy_n(input.begin(), bytes.size(), bytes.begin());
      const SmuxHeader header = decode_smux_header(bytes);
      input = input.subspan(smux_header_size);
      frame(header, input);
    }
  }
  void frame(const SmuxHeader& header, Bytes& input) {
    const bool push = header.command == SmuxCommand::psh;
    const bool update = header.command == SmuxCommand::upd;
    failed = header.version != 1 || static_cast<unsigned>(header.command) > smux_command_last ||
             (!push && header.length != (update ? smux_header_size : 0));
    if (failed) {
      return;
    }
    const std::size_t size = std::min<std::size_t>(header.length, input.size());
    const auto stream = streams.find(header.stream_id);
    if (header.command == SmuxCommand::syn) {
      streams.try_emplace(header.stream_id);
    } else if (header.command == SmuxCommand::fin && stream != streams.end()) {
      finished[header.stream_id] = true;
    } else if (push && stream != streams.end() && !finished[header.stream_id]) {
      stream->second += as_text(input.first(size));
    }
    input = input.subspan(size);
  }
};

void check_session(Bytes input, std::size_t cut) {
  const Naive naive(input);
  SmuxSession session(SmuxSide::server, {}, {});
  while (!input.empty()) {
    const Bytes part = input.first(std::min(cut, input.size()));
    SSM_ASSERT(session.receive(part, {}) == part.size());
    input = input.subspan(part.size());
    while (session.accept()) {
    }
  }
  SSM_ASSERT(session.ended() == naive.failed);
  SSM_ASSERT(session.streams() == naive.streams.size());
  for (const auto& [id, text] : naive.streams) {
    std::string seen;
    while (!session.readable(id).empty()) {
      const Bytes part = session.readable(id);
      seen += as_text(part);
      session.consume(id, part.size(), {});
    }
    SSM_ASSERT(seen == text);
    const auto finished = naive.finished.find(id);
    SSM_ASSERT(session.read_ended(id) ==
               (naive.failed || (finished != naive.finished.end() && finished->second)));
  }
  SSM_ASSERT(session.unread() == 0);
}

// Below every limit of the session: those are for smux_session.
constexpr std::size_t input_size_max = 8 * 1024;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < smux_header_size || size > input_size_max) {
    return 0;
  }
  const Bytes input = std::as_bytes(std::span(data, size));
  check_codec(input);
  check_session(input, size);
  check_session(input, 1);
  check_session(input, 7);
  return 0;
}
