#include "detail/http_text.hpp"

// Boost.Core 1.81 uses streams in a header that only declares them.
#include <ostream>

#include <boost/beast/http/status.hpp>

#include <algorithm>

#include "detail/text.hpp"

namespace ssm::net::detail {

namespace {

/// A line break in a value would end the header: it becomes a blank.
void append_line(std::string& out, std::string_view name, std::string_view value) {
  const auto append = [&out](std::string_view text) {
    for (const char c : text) {
      out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
    }
  };
  append(name);
  out += ": ";
  append(value);
  out += "\r\n";
}

void append_headers(std::string& out, const std::vector<HttpHeader>& headers) {
  for (const HttpHeader& header : headers) {
    append_line(out, header.name, header.value);
  }
}

bool has_body(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::string reason_phrase(unsigned status) {
  const auto known = boost::beast::http::int_to_status(status);
  if (known == boost::beast::http::status::unknown) {
    return "Unknown";
  }
  const auto text = boost::beast::http::obsolete_reason(known);
  return {text.data(), text.size()};
}

std::string to_text(const HttpResponse& response, const ResponseForm& form) {
  std::string out;
  out.reserve(256 + response.body.size());
  out +=
      "HTTP/1.1 " + std::to_string(response.status) + " " + reason_phrase(response.status) + "\r\n";
  append_headers(out, response.headers);
  if (has_body(response.status) && !response.header("Content-Length")) {
    append_line(out, "Content-Length", std::to_string(response.body.size()));
  }
  if (!response.header("Connection")) {
    if (!form.keep_alive) {
      append_line(out, "Connection", "close");
    } else if (form.version < 11) {
      append_line(out, "Connection", "keep-alive");
    }
  }
  out += "\r\n";
  if (has_body(response.status) && !form.to_head) {
    out += response.body;
  }
  return out;
}

std::string to_text(const HttpRequest& request) {
  std::string out;
  out.reserve(256 + request.body.size());
  out += request.method + " " + request.target + " HTTP/1.1\r\n";
  append_headers(out, request.headers);
  const bool usually_has_body = request.method == "POST" || request.method == "PUT";
  if ((usually_has_body || !request.body.empty()) && !request.header("Content-Length")) {
    append_line(out, "Content-Length", std::to_string(request.body.size()));
  }
  out += "\r\n";
  out += request.body;
  return out;
}

}  // namespace ssm::net::detail
