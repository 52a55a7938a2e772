#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detail/http_parser.hpp"
#include "detail/http_text.hpp"
#include "detail/stream.hpp"
#include "ssm/net/http_server.hpp"

namespace ssm::net::detail {

class HttpConnection;
using ConnectionList = std::list<std::shared_ptr<HttpConnection>>;

/// What a connection needs from its server.
class ConnectionOwner {
 public:
  ConnectionOwner() = default;
  virtual ~ConnectionOwner() = default;
  ConnectionOwner(const ConnectionOwner&) = delete;
  ConnectionOwner& operator=(const ConnectionOwner&) = delete;

  [[nodiscard]] virtual std::shared_ptr<const HttpServerHandlers> handlers() const = 0;
  /// Moves the connection to the end of the list, which is ordered by the start of waiting.
  virtual void waits_for_request(ConnectionList::iterator place) = 0;
  virtual void connection_gone(ConnectionList::iterator place) = 0;
};

/// One HTTP connection: reads a request, waits for the answer, writes it, and again. The socket is
/// not read while a request is being answered, so what a peer pipelines waits in the kernel.
class HttpConnection final : public StreamUser,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(EventLoop& loop, std::unique_ptr<Stream> stream, std::string remote,
                 const HttpServerOptions& options);

  void start(ConnectionOwner& owner, ConnectionList::iterator place);
  /// Closes at once; the owner is not told.
  void abort();
  /// Closes at once, to make room.
  void evict() { finish(); }
  [[nodiscard]] bool is_reading() const { return state_ == State::reading; }

  /// The answer to request `number`; ignored if that is not the present one.
  void respond(std::uint64_t number, const HttpResponse& response);
  void accept_upgrade(WebSocketOptions options, std::function<void(WebSocket)> on_open);
  [[nodiscard]] std::uint64_t request_number() const { return request_number_; }

  void on_readable() override;
  void on_writable() override;
  void on_deferred() override { pump(); }

 private:
  enum class State {
    reading,    ///< the request is incomplete
    answering,  ///< a handler has it
    writing,    ///< the answer is on its way
    closed,
  };
  using Parser = HttpParser<true>;

  void begin_request();
  void pump();
  /// False: more input is needed.
  [[nodiscard]] bool read_request();
  void continue_if_expected();
  void deliver();
  void deliver_upgrade(HttpRequest request);
  /// False: the socket takes no more at present.
  [[nodiscard]] bool write_answer();
  void answer_written();
  void become_websocket();
  void start_writing(const HttpResponse& response);
  void refuse(unsigned status, std::string_view detail);
  void arm_timer();
  void on_timeout();
  void finish();
  void leave_owner();

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  std::string remote_;
  HttpServerOptions options_;
  ConnectionOwner* owner_ = nullptr;
  ConnectionList::iterator place_;
  Timer timer_;

  State state_ = State::reading;
  bool pumping_ = false;
  bool read_waiting_ = false;
  bool write_waiting_ = false;
  std::uint64_t request_number_ = 0;
  std::optional<Parser> parser_;
  std::vector<std::byte> input_;
  bool continue_sent_ = false;

  ResponseForm form_;
  std::string output_;
  std::size_t written_ = 0;

  std::string websocket_key_;
  WebSocketOptions websocket_options_;
  std::function<void(WebSocket)> on_open_;
};

}  // namespace ssm::net::detail
