#include "ssm/service/session_store.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "detail/text.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/sha256.hpp"

namespace ssm::service {
namespace {

using enum SessionStatus;

/// Steps that `set_status` takes; `end` leads from anywhere to Terminated and Failed.
struct Step {
  SessionStatus from;
  SessionStatus to;
};
constexpr std::array steps = {
    Step{connecting, connected},   Step{connecting, disconnected},  Step{connected, disconnected},
    Step{disconnected, connected}, Step{disconnected, connecting},  Step{connecting, terminating},
    Step{connected, terminating},  Step{disconnected, terminating},
};

constexpr std::array<std::pair<SessionStatus, std::string_view>, 6> status_texts = {{
    {connecting, "Connecting"},
    {connected, "Connected"},
    {disconnected, "Disconnected"},
    {terminating, "Terminating"},
    {terminated, "Terminated"},
    {failed, "Failed"},
}};

constexpr std::size_t suffix_size = 26;
constexpr std::size_t max_id_size = 96;
/// A client that asks for a new token on every retry must not grow the session.
constexpr std::size_t max_tokens = 8;

/// The id becomes a URL segment, a directory name, an S3 key and a log stream name.
//= SVC-016
[[nodiscard]] std::string id_prefix(std::string_view user_name) {
  std::string prefix(user_name.substr(0, max_id_size - suffix_size - 1));
  for (char& c : prefix) {
    if (!detail::is_alnum(c) && c != '_' && c != '.' && c != '@' && c != '-') {
      c = '-';
    }
  }
  return prefix.empty() ? "session" : prefix;
}

}  // namespace

std::string_view to_text(SessionStatus status) {
  for (const auto& [value, text] : status_texts) {
    if (value == status) {
      return text;
    }
  }
  return {};
}

std::optional<SessionStatus> parse_session_status(std::string_view text) {
  for (const auto& [value, name] : status_texts) {
    if (name == text) {
      return value;
    }
  }
  return std::nullopt;
}

bool is_active(SessionStatus status) {
  return status == connecting || status == connected || status == disconnected;
}

bool is_ended(SessionStatus status) {
  return status == terminated || status == failed;
}

std::string_view to_text(TokenVerdict verdict) {
  switch (verdict) {
    case TokenVerdict::ok:
      return "ok";
    case TokenVerdict::unknown_session:
      return "no such session";
    case TokenVerdict::ended:
      return "the session has ended";
    case TokenVerdict::wrong:
      return "the token was not issued for this session";
    case TokenVerdict::expired:
      return "the token has expired";
    case TokenVerdict::used:
      return "the token was used before";
  }
  return {};
}

SessionStore::SessionStore(SecureRandom random, SessionLimits limits)
    : random_(std::move(random)), limits_(limits) {}

const Session* SessionStore::create(NewSession session, std::int64_t now_ms) {
  if (active_.size() >= limits_.max_active) {
    return nullptr;
  }
  std::string id;
  do {
    id = id_prefix(session.owner.user_name) + "-" + random_lower_alnum(random_, suffix_size);
  } while (by_id_.contains(id));
  Record& record = active_.emplace_front();
  record.session = {.id = std::move(id),
                    .owner = std::move(session.owner),
                    .target = std::move(session.target),
                    .document_name = std::move(session.document_name),
                    .reason = std::move(session.reason),
                    .parameters = std::move(session.parameters),
                    .started_ms = now_ms,
                    .ended_ms = std::nullopt,
                    .status = connecting,
                    .details = {},
                    .order = ++last_order_};
  by_id_.emplace(record.session.id, active_.begin());
  return &record.session;
}

const Session* SessionStore::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second->session;
}

SessionStore::Record* SessionStore::find_record(std::string_view id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found->second;
}

bool SessionStore::set_status(std::string_view id, SessionStatus status, std::int64_t now_ms) {
  Record* record = find_record(id);
  if (record == nullptr) {
    return false;
  }
  const SessionStatus from = record->session.status;
  if (std::none_of(steps.begin(), steps.end(),
                   [&](const Step& step) { return step.from == from && step.to == status; })) {
    return false;
  }
  record->session.status = status;
  if (status == terminating) {
    record->session.ended_ms = now_ms;
    move_to_history(*record);
  }
  return true;
}

bool SessionStore::end(std::string_view id, SessionStatus status, std::string details,
                       std::int64_t now_ms) {
  SSM_ASSERT(is_ended(status));
  Record* record = find_record(id);
  if (record == nullptr || is_ended(record->session.status)) {
    return false;
  }
  const bool was_active = is_active(record->session.status);
  record->session.status = status;
  record->session.details = std::move(details);
  record->session.ended_ms = now_ms;
  if (was_active) {
    move_to_history(*record);
  }
  return true;
}

/// Also forgets the oldest of a full history, which may be the very record if no history is kept.
void SessionStore::move_to_history(Record& record) {
  record.session.order = ++last_order_;
  record.agent_tokens = {};
  history_.splice(history_.begin(), active_, by_id_.at(record.session.id));
  if (history_.size() > limits_.max_history) {
    by_id_.erase(history_.back().session.id);
    history_.pop_back();
  }
}

void SessionStore::allow_late_resume(std::string_view id, std::int64_t until_ms) {
  Record* record = find_record(id);
  if (record != nullptr && is_ended(record->session.status)) {
    record->late_resume_until_ms = until_ms;
    if (until_ms == 0) {
      record->client_tokens = {};
    }
  }
}

bool SessionStore::takes_client(std::string_view id, std::int64_t now_ms) const {
  const auto found = by_id_.find(id);
  return found != by_id_.end() && takes_tokens(*found->second, &Record::client_tokens, now_ms);
}

bool SessionStore::takes_tokens(const Record& record, Tokens Record::* tokens,
                                std::int64_t now_ms) {
  return is_active(record.session.status) ||
         (tokens == &Record::client_tokens && now_ms < record.late_resume_until_ms);
}

std::optional<Secret> SessionStore::issue_client_token(std::string_view id, std::int64_t now_ms) {
  return issue(id, &Record::client_tokens, now_ms);
}

std::optional<Secret> SessionStore::issue_agent_token(std::string_view id, std::int64_t now_ms) {
  return issue(id, &Record::agent_tokens, now_ms);
}

std::optional<Secret> SessionStore::issue(std::string_view id, Tokens Record::* tokens,
                                          std::int64_t now_ms) {
  Record* record = find_record(id);
  if (record == nullptr || !takes_tokens(*record, tokens, now_ms)) {
    return std::nullopt;
  }
  Tokens& issued = record->*tokens;
  if (issued.size() == max_tokens) {
    issued.erase(issued.begin());
  }
  Secret token = random_token(random_);
  issued.push_back({protocol::sha256(protocol::as_bytes(token.reveal())),
                    now_ms + limits_.token_lifetime.count(), false});
  return token;
}

TokenVerdict SessionStore::accept_client_token(std::string_view id, std::string_view token,
                                               std::int64_t now_ms) {
  return accept(id, &Record::client_tokens, token, now_ms);
}

TokenVerdict SessionStore::accept_agent_token(std::string_view id, std::string_view token,
                                              std::int64_t now_ms) {
  return accept(id, &Record::agent_tokens, token, now_ms);
}

//= AUTH-028
TokenVerdict SessionStore::accept(std::string_view id, Tokens Record::* tokens,
                                  std::string_view token, std::int64_t now_ms) {
  Record* record = find_record(id);
  if (record == nullptr) {
    return TokenVerdict::unknown_session;
  }
  if (!takes_tokens(*record, tokens, now_ms)) {
    return TokenVerdict::ended;
  }
  const auto digest = protocol::sha256(protocol::as_bytes(token));
  Token* match = nullptr;
  for (Token& issued : record->*tokens) {
    if (CRYPTO_memcmp(issued.digest.data(), digest.data(), digest.size()) == 0) {
      match = &issued;
    }
  }
  if (match == nullptr) {
    return TokenVerdict::wrong;
  }
  if (match->used) {
    return TokenVerdict::used;
  }
  if (now_ms >= match->expires_ms) {
    return TokenVerdict::expired;
  }
  match->used = true;
  return TokenVerdict::ok;
}

void SessionStore::visit_active(const std::function<bool(const Session&)>& visit,
                                std::uint64_t before) const {
  for (const Record& record : active_) {
    if (record.session.order < before && !visit(record.session)) {
      return;
    }
  }
}

void SessionStore::visit_history(const std::function<bool(const Session&)>& visit,
                                 std::uint64_t before) const {
  for (const Record& record : history_) {
    if (record.session.order < before && !visit(record.session)) {
      return;
    }
  }
}

}  // namespace ssm::service
