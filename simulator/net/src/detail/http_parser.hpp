#pragma once

#include "ssm/net/http.hpp"
#include "ssm/protocol/bytes.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ssm::net::detail {

namespace beast = boost::beast;

/// Beast's HTTP/1 parser, fed with bytes by its caller, into our message types. Header names keep
/// their spelling and all headers their order.
template <bool is_request>
class HttpParser final : public beast::http::basic_parser<is_request> {
 public:
  using Message = std::conditional_t<is_request, HttpRequest, HttpResponse>;

  HttpParser(std::size_t max_header_bytes, std::size_t max_body_bytes) {
    this->eager(true);
    this->header_limit(static_cast<std::uint32_t>(
        std::min<std::size_t>(max_header_bytes, std::uint32_t{0xFFFFFFFF})));
    this->body_limit(max_body_bytes);
  }

  /// Takes what it can. No error and not `is_done()`: more is needed.
  [[nodiscard]] std::size_t feed(protocol::Bytes input, boost::system::error_code& error) {
    std::size_t total = 0;
    error = {};
    while (total < input.size() && !this->is_done()) {
      const protocol::Bytes rest = input.subspan(total);
      const std::size_t count = this->put(boost::asio::buffer(rest.data(), rest.size()), error);
      total += count;
      if (error == beast::http::error::need_more) {
        error = {};
        if (count == 0) {
          break;
        }
      }
      if (error) {
        break;
      }
    }
    return total;
  }

  [[nodiscard]] Message& message() { return message_; }
  /// 10 or 11.
  [[nodiscard]] int version() const { return version_; }

 private:
  using string_view = beast::string_view;
  using error_code = boost::system::error_code;

  static std::string_view view(string_view text) { return {text.data(), text.size()}; }

  void on_request_impl(beast::http::verb /*method*/, string_view method, string_view target,
                       int version, error_code& /*error*/) override {
    if constexpr (is_request) {
      message_.method = view(method);
      message_.target = view(target);
    }
    version_ = version;
  }

  void on_response_impl(int status, string_view /*reason*/, int version,
                        error_code& /*error*/) override {
    if constexpr (!is_request) {
      message_.status = static_cast<unsigned>(status);
    }
    version_ = version;
  }

  void on_field_impl(beast::http::field /*field*/, string_view name, string_view value,
                     error_code& /*error*/) override {
    // Trailers come the same way, after the header; nobody needs them.
    if (!in_body_) {
      message_.headers.push_back({std::string(view(name)), std::string(view(value))});
    }
  }

#if BOOST_VERSION >= 108700
  void on_trailer_field_impl(beast::http::field /*field*/, string_view /*name*/,
                             string_view /*value*/, error_code& /*error*/) override {}
#endif

  void on_header_impl(error_code& /*error*/) override { in_body_ = true; }

  void on_body_init_impl(const boost::optional<std::uint64_t>& content_length,
                         error_code& /*error*/) override {
    // The peer's word is not enough to reserve more than a little.
    constexpr std::uint64_t trusted_bytes = std::uint64_t{64} * 1024;
    if (content_length) {
      message_.body.reserve(static_cast<std::size_t>(std::min(*content_length, trusted_bytes)));
    }
  }

  std::size_t on_body_impl(string_view body, error_code& /*error*/) override {
    message_.body += view(body);
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t /*size*/, string_view /*extensions*/,
                            error_code& /*error*/) override {}

  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, string_view body,
                                 error_code& /*error*/) override {
    message_.body += view(body);
    return body.size();
  }

  void on_finish_impl(error_code& /*error*/) override {}

  Message message_;
  int version_ = 11;
  bool in_body_ = false;
};

}  // namespace ssm::net::detail
