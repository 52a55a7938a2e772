#pragma once

#include <cstdint>

#include "ssm/service/session_store.hpp"

namespace ssm::service {

/// What the API does to sessions, told to whoever joins their data channels. Called on the loop's
/// thread, after the store has changed and before the caller gets its answer. The session is valid
/// during the call and as long as the callee does not create or end sessions; keep its id.
class SessionEvents {
 public:
  SessionEvents() = default;
  SessionEvents(const SessionEvents&) = delete;
  SessionEvents& operator=(const SessionEvents&) = delete;
  virtual ~SessionEvents() = default;

  /// StartSession succeeded: the agent of `session.target` must learn of it, once (SVC-018).
  virtual void session_started(const Session& session, std::int64_t now_ms) = 0;
  /// ResumeSession issued a new token; the old connection, if any, is about to be replaced.
  virtual void session_resumed(const Session& session, std::int64_t now_ms) = 0;
  /// TerminateSession ended the session: both ends must get channel_closed (SVC-030).
  virtual void session_terminated(const Session& session, std::int64_t now_ms) = 0;
};

}  // namespace ssm::service
