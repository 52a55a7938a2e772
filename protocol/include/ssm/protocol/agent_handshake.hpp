#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ssm/protocol/data_key.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/poll_queue.hpp"
#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/secret_stream.hpp"
#include "ssm/protocol/session_cipher.hpp"
#include "ssm/protocol/session_description.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

struct AgentHandshakeConfig {
  AgentHandshakeRules rules;
  std::string agent_version;
  std::string session_id;
  std::string instance_id;
  SessionDescription session;
  /// Needed if the session is encrypted (asserted at the start).
  std::optional<SecretSeed> secret;
};

/// The agent's part of a handshake: whether there is one, its request, the client's response, the
/// data key, the encryption challenge, completion; two time limits.
///
///     idle -> skipped
///     idle -> awaiting_response (<-> awaiting_key) -> (awaiting_challenge ->) complete
///                     any of the three in the middle -> failed
class AgentHandshake {
 public:
  explicit AgentHandshake(AgentHandshakeConfig config);

  enum class State : std::uint8_t {
    idle,
    skipped,
    awaiting_response,
    awaiting_key,
    awaiting_challenge,
    complete,
    failed,
  };

  struct Send {
    PayloadType type = PayloadType::handshake_request;
    std::string payload;
  };
  /// Skipped or complete: the session can begin.
  struct Done {};
  struct Failed {
    std::string text;
  };
  using Step = std::variant<Send, DecryptDataKey, Done, Failed>;

  /// Once the data channel was opened for the first time.
  void start(Instant now);

  enum class Received : std::uint8_t {
    taken,    ///< acknowledge it
    later,    ///< taken once the data key is decrypted: acknowledge it then (ACK-008)
    refused,  ///< cannot be read, or wrong: leave it unacknowledged
    /// Taken, though nobody waits for such a message: the reference's listener ends here (HS-027).
    unexpected,
  };
  /// A message of type handshake_response or encryption_challenge_response, in order.
  [[nodiscard]] Received receive(PayloadType type, Bytes payload, Instant now);

  /// The answer to DecryptDataKey; ignored unless it is awaited.
  void data_key_decrypted(Bytes plaintext, Instant now);
  void data_key_failed(std::string_view cause, Instant now);

  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const { return deadline_; }
  [[nodiscard]] std::optional<Step> poll_step() { return steps_.poll(); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool done() const { return state_ == State::skipped || state_ == State::complete; }
  /// The session has a key and is no port session (ENC-025).
  [[nodiscard]] bool encrypted() const { return encrypted_; }
  /// As it was sent; empty without a handshake.
  [[nodiscard]] const std::string& client_version() const { return response_.client_version; }
  /// nullptr while there are no keys.
  [[nodiscard]] SessionCipher* cipher() { return cipher_ ? &*cipher_ : nullptr; }

 private:
  void send_request();
  [[nodiscard]] Received receive_response(Bytes payload, Instant now);
  [[nodiscard]] Received receive_challenge(Bytes payload, Instant now);
  /// Judges the actions from this one on; true when a data key is needed first.
  [[nodiscard]] bool process_actions(std::size_t from);
  void finish_response(Instant now);
  void send_challenge(Instant now);
  void complete(Instant now);
  void fail(std::string text);
  [[nodiscard]] std::string customer_message() const;

  AgentHandshakeConfig config_;
  bool encrypted_;
  State state_ = State::idle;
  std::optional<SecretStream> secrets_;
  Instant started_at_{};
  std::optional<Instant> deadline_;
  std::string kms_challenge_;
  HandshakeResponse response_;
  std::size_t key_action_ = 0;  ///< the action that awaits the data key
  bool key_answered_ = false;
  bool key_unasked_ = false;
  std::string error_;  ///< the last failure wins
  std::array<std::byte, 64> challenge_{};
  std::optional<SessionCipher> cipher_;
  PollQueue<Step> steps_;
};

}  // namespace ssm::protocol
