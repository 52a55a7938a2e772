#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <utility>

#include "ssm/net/http.hpp"
#include "ssm/service/sigv4.hpp"

namespace ssm::service {

/// Spelling of the text member. Clients read both; the modelled errors of ssm declare `Message`
/// (botocore botocore/data/ssm/2014-11-06/service-2.json), most others send `message`.
enum class MessageMember { lower_case, upper_case };

/// An error as an AWS caller sees it.
struct AwsError {
  AwsError() = default;
  AwsError(std::string type, std::string text, unsigned http_status = 400,
           MessageMember spelling = MessageMember::lower_case)
      : code(std::move(type)), message(std::move(text)), status(http_status), member(spelling) {}

  std::string code;  ///< `__type`, e.g. `TargetNotConnected`
  std::string message;
  unsigned status = 400;
  MessageMember member = MessageMember::lower_case;
};

template <class T = void>
using AwsResult = boost::system::result<T, AwsError>;

/// An error that the ssm model declares: 400 and `Message`.
[[nodiscard]] AwsError modelled_error(std::string_view code, std::string message);
[[nodiscard]] AwsError to_aws_error(const AuthError& error);

/// 200 with a JSON 1.1 body.
[[nodiscard]] net::HttpResponse render_json(std::string body, std::string_view request_id);
/// `{"__type":"<code>","Message":"<text>"}` with `x-amzn-RequestId`. Bytes of the message that are
/// not UTF-8 become '?'.
[[nodiscard]] net::HttpResponse render_json_error(const AwsError& error,
                                                  std::string_view request_id);

/// `<Code><Message>text</Message></Code>`: amazon-ssm-agent looks for
/// `<AccessDeniedException>` (agent/session/controlchannel/controlchannel.go).
[[nodiscard]] net::HttpResponse render_xml_error(const AwsError& error,
                                                 std::string_view request_id);
/// 400 `<BadRequest xmlns=""><message>964c3550: text</message></BadRequest>`, the number being the
/// first 8 characters of the request id.
[[nodiscard]] net::HttpResponse render_xml_bad_request(std::string_view text,
                                                       std::string_view request_id);

}  // namespace ssm::service
