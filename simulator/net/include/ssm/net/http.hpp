#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ssm::net {

struct HttpHeader {
  std::string name;
  std::string value;
};

/// Value of the first header of that name (letter case ignored), or nullopt.
[[nodiscard]] std::optional<std::string_view> find_header(const std::vector<HttpHeader>& headers,
                                                          std::string_view name);

/// A request as received or to be sent. `target` is the raw path and query: SigV4 needs it
/// unchanged. Headers keep their order and spelling.
struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";
  std::vector<HttpHeader> headers{};
  std::string body{};
  /// Received requests: "127.0.0.1:50312".
  std::string remote{};

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
  /// `target` up to the first '?'.
  [[nodiscard]] std::string_view path() const;
  /// `target` after the first '?', or empty.
  [[nodiscard]] std::string_view query() const;
};

struct HttpResponse {
  unsigned status = 200;
  std::vector<HttpHeader> headers{};
  std::string body{};

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

}  // namespace ssm::net
