#pragma once

#include <string>
#include <string_view>

#include "ssm/net/http.hpp"

namespace ssm::net::detail {

/// "Not Found"; "Unknown" for a status that has no name.
[[nodiscard]] std::string reason_phrase(unsigned status);

struct ResponseForm {
  bool to_head = false;
  bool keep_alive = true;
  /// Version of the request: 10 or 11.
  int version = 11;
};

/// Adds Content-Length and Connection where they are not given and needed.
[[nodiscard]] std::string to_text(const HttpResponse& response, const ResponseForm& form);

/// Adds Content-Length if there is a body, or the method usually has one.
[[nodiscard]] std::string to_text(const HttpRequest& request);

}  // namespace ssm::net::detail
