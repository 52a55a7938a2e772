#include "ssm/service/aws_error.hpp"

#include <utility>

#include "detail/json_writer.hpp"
#include "detail/text.hpp"

namespace ssm::service {
namespace {

[[nodiscard]] net::HttpResponse response(unsigned status, std::string_view content_type,
                                         std::string_view request_id, std::string body) {
  net::HttpResponse result;
  result.status = status;
  result.headers = {{"x-amzn-RequestId", std::string(request_id)},
                    {"Content-Type", std::string(content_type)}};
  result.body = std::move(body);
  return result;
}

constexpr std::string_view xml_declaration = R"(<?xml version="1.0" encoding="UTF-8"?>)";

}  // namespace

AwsError modelled_error(std::string_view code, std::string message) {
  return {std::string(code), std::move(message), 400, MessageMember::upper_case};
}

AwsError to_aws_error(const AuthError& error) {
  return {std::string(aws_code(error.errc)), error.message, 400, MessageMember::lower_case};
}

//= SVC-002
net::HttpResponse render_json(std::string body, std::string_view request_id) {
  return response(200, "application/x-amz-json-1.1", request_id, std::move(body));
}

//= SVC-006
net::HttpResponse render_json_error(const AwsError& error, std::string_view request_id) {
  detail::JsonWriter json;
  json.begin_object();
  json.key("__type").string(error.code);
  json.key(error.member == MessageMember::upper_case ? "Message" : "message").string(error.message);
  json.end_object();
  return response(error.status, "application/x-amz-json-1.1", request_id, json.take());
}

net::HttpResponse render_xml_error(const AwsError& error, std::string_view request_id) {
  std::string body(xml_declaration);
  body.append("<").append(error.code).append("><Message>");
  body += detail::xml_escape(detail::to_valid_utf8(error.message));
  body.append("</Message></").append(error.code).append(">");
  return response(error.status, "text/xml", request_id, std::move(body));
}

net::HttpResponse render_xml_bad_request(std::string_view text, std::string_view request_id) {
  std::string body = R"(<BadRequest xmlns=""><message>)";
  body.append(request_id.substr(0, 8)).append(": ");
  body += detail::xml_escape(detail::to_valid_utf8(text));
  body += "</message></BadRequest>";
  return response(400, "text/xml", request_id, std::move(body));
}

}  // namespace ssm::service
