#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ssm/service/credentials.hpp"
#include "ssm/service/secret.hpp"
#include "ssm/service/secure_random.hpp"

namespace ssm::service {

/// Life of a session as DescribeSessions names it. Connecting, Connected and Disconnected are
/// State=Active; the others are State=History.
enum class SessionStatus { connecting, connected, disconnected, terminating, terminated, failed };

/// `Connecting` and so on.
[[nodiscard]] std::string_view to_text(SessionStatus status);
/// The reverse; nullopt for any other text.
[[nodiscard]] std::optional<SessionStatus> parse_session_status(std::string_view text);
[[nodiscard]] bool is_active(SessionStatus status);
/// Terminated or Failed: nothing can happen to the session any more.
[[nodiscard]] bool is_ended(SessionStatus status);

using SessionParameters = std::map<std::string, std::vector<std::string>>;

struct NewSession {
  Principal owner;
  std::string target;
  std::string document_name;
  std::string reason;  ///< empty: none given
  SessionParameters parameters;
};

struct Session {
  std::string id;
  Principal owner;
  std::string target;
  std::string document_name;
  std::string reason;
  SessionParameters parameters;
  std::int64_t started_ms = 0;  ///< milliseconds since the Unix epoch
  std::optional<std::int64_t> ended_ms;
  SessionStatus status = SessionStatus::connecting;
  /// Why it ended, for people; may be empty.
  std::string details;
  /// Larger is later: start of active sessions, end of those in the history. Pages are cut by it.
  std::uint64_t order = 0;
};

/// What became of a token that a peer presented.
enum class TokenVerdict {
  ok,
  unknown_session,
  ended,    ///< the session is over
  wrong,    ///< never issued for this session, or so long ago that it is forgotten
  expired,  ///< not presented within its lifetime
  used,     ///< accepted before; a token opens one connection
};

[[nodiscard]] std::string_view to_text(TokenVerdict verdict);

struct SessionLimits {
  /// Sessions that are active at the same time.
  std::size_t max_active = 20000;
  /// Sessions remembered after their end; the oldest is forgotten first.
  std::size_t max_history = 10000;
  /// From issue to the moment a connection is accepted with it.
  std::chrono::milliseconds token_lifetime = std::chrono::seconds(60);
};

/// All sessions of the service, running and remembered, with their tokens. Lookups take constant
/// time. Tokens are kept as SHA-256 digests and compared in constant time. Not thread-safe.
///
/// A `Session` pointer stays valid until the next call that creates or ends a session; keep ids.
class SessionStore {
 public:
  SessionStore(SecureRandom random, SessionLimits limits = {});

  /// A new session, Connecting, with an id `<owner's name>-<26 of a-z0-9>` of at most 96
  /// characters of A-Za-z0-9_.@-. nullptr if `max_active` is reached.
  const Session* create(NewSession session, std::int64_t now_ms);

  [[nodiscard]] const Session* find(std::string_view id) const;

  /// Moves between Connecting, Connected, Disconnected and on to Terminating. False, and nothing
  /// changes, if the session is unknown, the step is not one of the table in session_store.cpp, or
  /// the status is an ended one (for that there is `end`).
  bool set_status(std::string_view id, SessionStatus status, std::int64_t now_ms);

  /// Ends the session: its tokens are worthless from now on. `status` is Terminated or Failed.
  /// False if it is unknown or has ended before.
  bool end(std::string_view id, SessionStatus status, std::string details, std::int64_t now_ms);

  /// The session has ended while its client was away: until that moment a client token can still be
  /// issued and used, for a connection that is told the end. Nothing for sessions that have not
  /// ended.
  void allow_late_resume(std::string_view id, std::int64_t until_ms);
  /// A client's connection can still be opened: the session is active, or allow_late_resume holds.
  [[nodiscard]] bool takes_client(std::string_view id, std::int64_t now_ms) const;

  /// A token with which a client may open one data channel; earlier tokens that were not used stay
  /// good until they expire. nullopt if the session is unknown, ending or ended (but see
  /// allow_late_resume).
  std::optional<Secret> issue_client_token(std::string_view id, std::int64_t now_ms);
  /// The same for the agent's side (CreateDataChannel).
  std::optional<Secret> issue_agent_token(std::string_view id, std::int64_t now_ms);

  /// Uses the token up if the verdict is ok; otherwise changes nothing. So a client whose
  /// connection fails before its OpenDataChannel is read may try again with the same token, as
  /// session-manager-plugin does (src/sessionmanagerplugin/session/session.go).
  TokenVerdict accept_client_token(std::string_view id, std::string_view token,
                                   std::int64_t now_ms);
  TokenVerdict accept_agent_token(std::string_view id, std::string_view token, std::int64_t now_ms);

  /// Calls `visit` newest first with the sessions whose `order` is below `before`, until it
  /// returns false. `visit` must not change the store.
  void visit_active(const std::function<bool(const Session&)>& visit,
                    std::uint64_t before = UINT64_MAX) const;
  void visit_history(const std::function<bool(const Session&)>& visit,
                     std::uint64_t before = UINT64_MAX) const;

  [[nodiscard]] std::size_t active_count() const { return active_.size(); }
  [[nodiscard]] std::size_t history_count() const { return history_.size(); }

 private:
  struct Token {
    std::array<std::byte, 32> digest{};
    std::int64_t expires_ms = 0;
    bool used = false;
  };
  using Tokens = std::vector<Token>;  ///< oldest first, a few at most
  struct Record {
    Session session;
    Tokens client_tokens;
    Tokens agent_tokens;
    std::int64_t late_resume_until_ms = 0;
  };
  static bool takes_tokens(const Record& record, Tokens Record::* tokens, std::int64_t now_ms);
  using Records = std::list<Record>;  ///< newest first

  Record* find_record(std::string_view id);
  void move_to_history(Record& record);
  std::optional<Secret> issue(std::string_view id, Tokens Record::* tokens, std::int64_t now_ms);
  TokenVerdict accept(std::string_view id, Tokens Record::* tokens, std::string_view token,
                      std::int64_t now_ms);

  SecureRandom random_;
  SessionLimits limits_;
  Records active_;
  Records history_;
  std::uint64_t last_order_ = 0;
  /// Keys view the ids in the records, which never move.
  std::unordered_map<std::string_view, Records::iterator> by_id_;
};

}  // namespace ssm::service
