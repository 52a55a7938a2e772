#include "ssm/service/aws_error.hpp"

#include <gtest/gtest.h>

namespace ssm::service {
namespace {

//= SVC-006
TEST(AwsError, renders_the_json_shape_with_either_spelling) {
  const auto upper = render_json_error(
      modelled_error("TargetNotConnected", "i-1 is not connected."), "request-id");
  EXPECT_EQ(upper.status, 400U);
  EXPECT_EQ(upper.body, R"({"__type":"TargetNotConnected","Message":"i-1 is not connected."})");
  EXPECT_EQ(upper.header("x-amzn-requestid"), "request-id");
  EXPECT_EQ(upper.header("content-type"), "application/x-amz-json-1.1");
  const auto lower =
      render_json_error({"ValidationException", "no", 400, MessageMember::lower_case}, "id");
  EXPECT_EQ(lower.body, R"({"__type":"ValidationException","message":"no"})");
}

TEST(AwsError, escapes_text_and_replaces_bytes_that_are_not_utf8) {
  const auto response =
      render_json_error({"E", "a\"b\\c\n\x01\xC3\xA9 \xFF\xC0\xAF\xED\xA0\x80 \xF0\x9F\x98\x80",
                         400, MessageMember::lower_case},
                        "id");
  EXPECT_EQ(response.body,
            "{\"__type\":\"E\",\"message\":\"a\\\"b\\\\c\\n\\u0001\xC3\xA9 ?????? "
            "\xF0\x9F\x98\x80\"}");
}

TEST(AwsError, renders_the_gateway_forms_in_xml) {
  const auto denied = render_xml_error(
      {"AccessDeniedException", "a <b> & c\x02", 403, MessageMember::lower_case}, "id");
  EXPECT_EQ(denied.status, 403U);
  EXPECT_EQ(denied.header("content-type"), "text/xml");
  EXPECT_EQ(denied.body,
            R"(<?xml version="1.0" encoding="UTF-8"?><AccessDeniedException><Message>a &lt;b&gt; )"
            R"(&amp; c?</Message></AccessDeniedException>)");
  const auto bad = render_xml_bad_request("Request is not authenticated.",
                                          "964c3550-aaaa-4bbb-8ccc-ddddeeeeffff");
  EXPECT_EQ(bad.status, 400U);
  EXPECT_EQ(bad.body,
            R"(<BadRequest xmlns=""><message>964c3550: Request is not authenticated.</message>)"
            R"(</BadRequest>)");
}

TEST(AwsError, maps_signature_errors_to_their_codes) {
  EXPECT_EQ(to_aws_error({AuthErrc::missing_authentication_token, "m"}).code,
            "MissingAuthenticationTokenException");
  EXPECT_EQ(to_aws_error({AuthErrc::incomplete_signature, "m"}).code,
            "IncompleteSignatureException");
  EXPECT_EQ(to_aws_error({AuthErrc::unrecognized_client, "m"}).code, "UnrecognizedClientException");
  EXPECT_EQ(to_aws_error({AuthErrc::invalid_signature, "m"}).code, "InvalidSignatureException");
  EXPECT_EQ(to_aws_error({AuthErrc::expired_token, "m"}).code, "ExpiredTokenException");
}

}  // namespace
}  // namespace ssm::service
