#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/net/http_client.hpp"

namespace ssm::client {

/// Adds a signature for the named AWS service (`ssm`) to a request that is otherwise complete,
/// Host header included.
using Signer = std::function<void(net::HttpRequest& request, std::string_view aws_service)>;

/// Why an API call has no result.
struct ApiError {
  enum class Kind : std::uint8_t {
    /// No answer: connection refused, timeout, no such host, broken HTTP.
    unreachable,
    /// The service refused; `code` names the reason.
    refused,
    /// An answer that is not what the API promises.
    malformed_answer,
  };
  Kind kind = Kind::unreachable;
  /// `refused`: TargetNotConnected, AccessDeniedException, ...; empty when the answer had none.
  std::string code;
  /// `refused`: the service's words; otherwise what was expected and seen. Control characters are
  /// replaced, so it can be shown on a terminal.
  std::string message;
  /// HTTP status; 0 without an answer.
  unsigned status = 0;

  /// One line: `TargetNotConnected: i-0abc is not connected.`
  [[nodiscard]] std::string to_string() const;
};

template <class T>
using ApiResult = boost::system::result<T, ApiError>;

struct StartSessionRequest {
  std::string target;
  /// Empty: the service's default, SSM-SessionManagerRunShell.
  std::string document_name;
  std::string reason;
  std::map<std::string, std::vector<std::string>> parameters;
};

struct SessionAccess {
  std::string session_id;
  /// ResumeSession only: empty when the session is over.
  std::string token;
  /// ResumeSession only: may be empty.
  std::string stream_url;
};

struct ApiClientOptions {
  net::Url endpoint;
  Signer sign;
  std::string user_agent = "ssmsim";
  net::Duration timeout = std::chrono::seconds(30);
};

/// The session operations of the SSM API: AWS JSON 1.1, `POST` with X-Amz-Target (service API of
/// botocore's `ssm` model, 2014-11-06). Calls are not retried: a second StartSession would start a
/// second session, and ResumeSession has a schedule of its own.
///
/// Each call is cancelled by destroying what it returns; callbacks come later, never from inside.
class ApiClient {
 public:
  ApiClient(net::EventLoop& loop, ApiClientOptions options);

  [[nodiscard]] net::PendingOperation start_session(
      const StartSessionRequest& request, std::function<void(ApiResult<SessionAccess>)> callback);
  [[nodiscard]] net::PendingOperation resume_session(
      std::string_view session_id, std::function<void(ApiResult<SessionAccess>)> callback);
  /// The result is the session id.
  [[nodiscard]] net::PendingOperation terminate_session(
      std::string_view session_id, std::function<void(ApiResult<std::string>)> callback);

  [[nodiscard]] const net::Url& endpoint() const { return options_.endpoint; }

 private:
  [[nodiscard]] net::PendingOperation call(std::string_view operation, std::string body,
                                           std::function<void(ApiResult<std::string>)> callback);

  net::EventLoop& loop_;
  ApiClientOptions options_;
};

/// TerminateSession on a loop that nothing else runs; its result does not matter, and after `limit`
/// nothing more is waited for.
void terminate_and_wait(net::EventLoop& loop, ApiClient& api, std::string_view session_id,
                        net::Duration limit = std::chrono::seconds(2));

/// `text` on one line, control characters replaced by spaces, at most `limit` bytes: what a peer
/// wrote must not move the cursor of who reads it.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 1000);

}  // namespace ssm::client
