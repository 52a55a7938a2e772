#include "ssm/service/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::start_ms;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t minute_ms = 60'000;

class SigV4 : public ::testing::Test {
 protected:
  SigV4() {
    credentials_.add(test::credentials("AKID", "secret", "alice"));
    Credentials temporary = test::credentials("ASIA", "temporary-secret", "bob");
    temporary.session_token = Secret("session/token==");
    temporary.expires_ms = start_ms + 60 * minute_ms;
    credentials_.add(std::move(temporary));
  }

  [[nodiscard]] net::HttpRequest request(std::string_view key = "AKID") const {
    net::HttpRequest made;
    made.method = "POST";
    made.headers = {{"Host", "127.0.0.1:4580"},
                    {"X-Amz-Target", "AmazonSSM.StartSession"},
                    {"Content-Type", "application/x-amz-json-1.1"}};
    made.body = R"({"Target":"i-123456789"})";
    sign_request(made, *credentials_.find(key), {"us-east-1", "ssm", start_ms});
    return made;
  }

  [[nodiscard]] AuthResult<Identity> verify(const net::HttpRequest& made,
                                            std::int64_t now_ms = start_ms) const {
    return verify_request(made, credentials_,
                          {.now_ms = now_ms, .region = "us-east-1", .service = "ssm"});
  }

  static std::string& header(net::HttpRequest& made, std::string_view name) {
    for (auto& item : made.headers) {
      if (item.name == name) {
        return item.value;
      }
    }
    ADD_FAILURE() << "no header " << name;
    return made.headers.front().value;
  }

  static void replace(std::string& text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }

  void expect_refused(const net::HttpRequest& made, AuthErrc errc, std::string_view message,
                      std::int64_t now_ms = start_ms) const {
    const auto result = verify(made, now_ms);
    ASSERT_FALSE(result);
    EXPECT_EQ(aws_code(result.error().errc), aws_code(errc));
    EXPECT_THAT(result.error().message, HasSubstr(std::string(message)));
  }

  CredentialStore credentials_;
};

//= AUTH-001
TEST_F(SigV4, names_the_principal_and_the_scope) {
  const auto identity = verify(request());
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->access_key_id, "AKID");
  EXPECT_EQ(identity->principal.arn, "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(identity->region, "us-east-1");
  EXPECT_EQ(identity->service, "ssm");
}

//= AUTH-002
TEST_F(SigV4, refuses_a_request_without_signature) {
  net::HttpRequest made = request();
  std::erase_if(made.headers, [](const auto& h) { return h.name == "Authorization"; });
  expect_refused(made, AuthErrc::missing_authentication_token, "Missing Authentication Token");
}

//= AUTH-002
TEST_F(SigV4, refuses_an_altered_signed_header) {
  net::HttpRequest made = request();
  header(made, "X-Amz-Target") = "AmazonSSM.TerminateSession";
  expect_refused(made, AuthErrc::invalid_signature,
                 "The request signature we calculated does not match");
}

//= AUTH-002
TEST_F(SigV4, refuses_an_altered_body) {
  net::HttpRequest made = request();
  made.body = R"({"Target":"i-987654321"})";
  expect_refused(made, AuthErrc::invalid_signature,
                 "The request signature we calculated does not match");
}

TEST_F(SigV4, ignores_headers_that_are_not_signed) {
  net::HttpRequest made = request();
  made.headers.push_back({"X-Forwarded-For", "203.0.113.9"});
  made.headers.push_back({"User-Agent", "changed"});
  EXPECT_TRUE(verify(made));
}

TEST_F(SigV4, a_mismatch_shows_the_canonical_request_and_the_string_to_sign) {
  net::HttpRequest made = request();
  made.target = "/v1/a b";
  const auto result = verify(made);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message,
              HasSubstr("The Canonical String for this request should have been\n'POST\n"
                        "/v1/a%20b\n\ncontent-type:application/x-amz-json-1.1\n"
                        "host:127.0.0.1:4580\nx-amz-date:20261122T080000Z\n"
                        "x-amz-target:AmazonSSM.StartSession\n\n"
                        "content-type;host;x-amz-date;x-amz-target\n"));
  EXPECT_THAT(result.error().message,
              HasSubstr("The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20261122T080000Z\n"
                        "20261122/us-east-1/ssm/aws4_request\n"));
}

TEST_F(SigV4, a_mismatch_does_not_show_the_session_token) {
  net::HttpRequest made = request("ASIA");
  made.body += " ";
  const auto result = verify(made);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("x-amz-security-token:***\n"));
  EXPECT_THAT(result.error().message, Not(HasSubstr("session/token==")));
}

//= AUTH-002
TEST_F(SigV4, refuses_an_unknown_access_key) {
  net::HttpRequest made = request();
  replace(header(made, "Authorization"), "AKID", "AKIX");
  expect_refused(made, AuthErrc::unrecognized_client,
                 "The security token included in the request is invalid.");
}

//= AUTH-003
TEST_F(SigV4, accepts_a_clock_that_is_fifteen_minutes_off) {
  EXPECT_TRUE(verify(request(), start_ms + 15 * minute_ms));
  EXPECT_TRUE(verify(request(), start_ms - 15 * minute_ms));
}

//= AUTH-003
TEST_F(SigV4, refuses_a_request_signed_more_than_fifteen_minutes_ago) {
  expect_refused(request(), AuthErrc::invalid_signature,
                 "Signature expired: 20261122T080000Z is now earlier than 20261122T080001Z "
                 "(20261122T081501Z - 15 min.)",
                 start_ms + 15 * minute_ms + 1000);
}

//= AUTH-003
TEST_F(SigV4, refuses_a_request_signed_more_than_fifteen_minutes_ahead) {
  expect_refused(request(), AuthErrc::invalid_signature,
                 "Signature not yet current: 20261122T080000Z is still later than "
                 "20261122T075959Z (20261122T074459Z + 15 min.)",
                 start_ms - 15 * minute_ms - 1000);
}

//= AUTH-003
TEST_F(SigV4, refuses_a_scope_of_another_region) {
  net::HttpRequest made = request();
  sign_request(made, *credentials_.find("AKID"), {"eu-west-1", "ssm", start_ms});
  expect_refused(made, AuthErrc::invalid_signature,
                 "Credential should be scoped to a valid region, not 'eu-west-1'. This service is "
                 "in 'us-east-1'.");
}

//= AUTH-003
TEST_F(SigV4, refuses_a_scope_of_another_service) {
  net::HttpRequest made = request();
  sign_request(made, *credentials_.find("AKID"), {"us-east-1", "ssmmessages", start_ms});
  expect_refused(made, AuthErrc::invalid_signature,
                 "Credential should be scoped to correct service: 'ssm'.");
}

//= AUTH-003
TEST_F(SigV4, refuses_a_scope_of_another_date) {
  net::HttpRequest made = request();
  replace(header(made, "Authorization"), "/20261122/", "/20261121/");
  expect_refused(made, AuthErrc::invalid_signature,
                 "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                 "from HTTP: '20261121' != '20261122', from '20261122T080000Z'.");
}

TEST_F(SigV4, refuses_another_terminator) {
  net::HttpRequest made = request();
  replace(header(made, "Authorization"), "aws4_request", "aws5_request");
  expect_refused(made, AuthErrc::invalid_signature,
                 "Credential should be scoped with a valid terminator: 'aws4_request', not "
                 "'aws5_request'.");
}

//= AUTH-005
TEST_F(SigV4, accepts_temporary_credentials_with_their_token) {
  const auto identity = verify(request("ASIA"));
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->principal.user_name, "bob");
}

//= AUTH-005
TEST_F(SigV4, accepts_a_token_that_was_added_after_signing) {
  net::HttpRequest made = request("AKID");
  Credentials untokened = *credentials_.find("ASIA");
  untokened.session_token.reset();
  sign_request(made, untokened, {"us-east-1", "ssm", start_ms});
  made.headers.push_back({"X-Amz-Security-Token", "session/token=="});
  EXPECT_TRUE(verify(made));
}

//= AUTH-005
TEST_F(SigV4, refuses_temporary_credentials_without_or_with_another_token) {
  constexpr std::string_view message = "The security token included in the request is invalid.";
  net::HttpRequest other = request("ASIA");
  header(other, "X-Amz-Security-Token") = "session/token=X";
  expect_refused(other, AuthErrc::unrecognized_client, message);
  net::HttpRequest none = request("ASIA");
  std::erase_if(none.headers, [](const auto& h) { return h.name == "X-Amz-Security-Token"; });
  expect_refused(none, AuthErrc::unrecognized_client, message);
}

TEST_F(SigV4, refuses_a_session_token_with_long_term_credentials) {
  net::HttpRequest made = request();
  made.headers.push_back({"X-Amz-Security-Token", "x"});
  expect_refused(made, AuthErrc::unrecognized_client,
                 "The security token included in the request is invalid.");
}

TEST_F(SigV4, refuses_expired_temporary_credentials) {
  net::HttpRequest made = request("ASIA");
  const std::int64_t later = start_ms + 60 * minute_ms;
  sign_request(made, *credentials_.find("ASIA"), {"us-east-1", "ssm", later});
  expect_refused(made, AuthErrc::expired_token,
                 "The security token included in the request is expired", later);
}

TEST_F(SigV4, names_every_missing_part_of_the_authorization_header) {
  net::HttpRequest made = request();
  header(made, "Authorization") = "AWS4-HMAC-SHA256 Signature=00";
  std::erase_if(made.headers, [](const auto& h) { return h.name == "X-Amz-Date"; });
  expect_refused(made, AuthErrc::incomplete_signature,
                 "Authorization header requires 'Credential' parameter. Authorization header "
                 "requires 'SignedHeaders' parameter. Authorization header requires existence of "
                 "an 'X-Amz-Date' header.");
}

TEST_F(SigV4, refuses_another_kind_of_authorization) {
  net::HttpRequest made = request();
  for (const std::string_view value : {"Bearer abc", "", "AWS4-HMAC-SHA256", "AWS AKID:abc"}) {
    header(made, "Authorization") = value;
    expect_refused(made, AuthErrc::incomplete_signature,
                   "Authorization header must begin with 'AWS4-HMAC-SHA256 '.");
  }
}

TEST_F(SigV4, refuses_a_second_authorization_header) {
  net::HttpRequest made = request();
  made.headers.push_back({"authorization", header(made, "Authorization")});
  expect_refused(made, AuthErrc::incomplete_signature,
                 "There must be exactly one Authorization header.");
}

TEST_F(SigV4, refuses_a_key_given_twice_and_unknown_keys) {
  for (const std::string_view extra : {", Signature=00", ", Color=red"}) {
    net::HttpRequest made = request();
    header(made, "Authorization") += extra;
    expect_refused(made, AuthErrc::incomplete_signature,
                   "is not a key that the Authorization header may have here.");
  }
}

TEST_F(SigV4, refuses_a_credential_with_too_few_elements) {
  net::HttpRequest made = request();
  replace(header(made, "Authorization"), "/ssm/aws4_request", "/aws4_request");
  expect_refused(made, AuthErrc::incomplete_signature,
                 "Credential must have exactly 5 slash-delimited elements, e.g. "
                 "keyid/date/region/service/term, got 'AKID/20261122/us-east-1/aws4_request'.");
}

TEST_F(SigV4, refuses_dates_that_are_no_dates) {
  for (const std::string_view date :
       {"", "2026-11-22T08:00:00Z", "20261122T080000", "20261322T080000Z", "20260230T080000Z",
        "20261122T240000Z", "20261122T0800+1Z"}) {
    net::HttpRequest made = request();
    header(made, "X-Amz-Date") = date;
    expect_refused(made, AuthErrc::incomplete_signature,
                   "Date must be in ISO-8601 'basic format'. Got '" + std::string(date) + "'.");
  }
}

TEST_F(SigV4, refuses_a_signature_that_leaves_out_the_host) {
  net::HttpRequest made = request();
  replace(header(made, "Authorization"), ";host;", ";");
  expect_refused(made, AuthErrc::invalid_signature,
                 "'Host' must be a 'SignedHeader' in the AWS Authorization.");
}

TEST_F(SigV4, refuses_signed_header_names_that_are_not_lower_case) {
  net::HttpRequest made = request();
  replace(header(made, "Authorization"), ";host;", ";Host;");
  expect_refused(made, AuthErrc::incomplete_signature,
                 "SignedHeaders must be a list of lower-case header names joined by ';'.");
}

TEST_F(SigV4, refuses_an_upper_case_signature) {
  net::HttpRequest made = request();
  std::string& value = header(made, "Authorization");
  for (std::size_t i = value.find("Signature=") + 10; i < value.size(); ++i) {
    value[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(value[i])));
  }
  EXPECT_FALSE(verify(made));
}

TEST_F(SigV4, takes_authorization_elements_without_spaces_and_in_any_order) {
  net::HttpRequest made = request();
  std::string& value = header(made, "Authorization");
  const std::size_t signature = value.find("Signature=");
  const std::size_t credential = value.find("Credential=");
  const std::size_t headers = value.find("SignedHeaders=");
  value = "AWS4-HMAC-SHA256 " + value.substr(signature) + "," +
          value.substr(headers, signature - headers - 2) + "," +
          value.substr(credential, headers - credential - 2);
  EXPECT_TRUE(verify(made));
}

TEST_F(SigV4, refuses_a_declared_payload_hash_that_is_not_that_of_the_body) {
  net::HttpRequest made = request();
  made.headers.push_back({"X-Amz-Content-Sha256", std::string(64, '0')});
  expect_refused(made, AuthErrc::invalid_signature,
                 "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

TEST_F(SigV4, refuses_an_unsigned_payload_outside_s3) {
  net::HttpRequest made = request();
  made.headers.push_back({"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"});
  expect_refused(made, AuthErrc::invalid_signature,
                 "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

TEST_F(SigV4, a_header_signature_wins_over_query_parameters) {
  net::HttpRequest made = request();
  made.target = "/?X-Amz-Signature=00";
  // X-Amz-Signature is no part of the canonical query, so the header's signature still fits.
  EXPECT_TRUE(verify(made));
}

TEST_F(SigV4, refuses_incomplete_presigned_requests) {
  net::HttpRequest made = request();
  std::erase_if(made.headers, [](const auto& h) { return h.name == "Authorization"; });
  for (const std::string_view query :
       {"X-Amz-Signature=00", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00",
        "X-Amz-Algorithm=AWS3&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=20261122T080000Z&"
        "X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"}) {
    made.target = "/?" + std::string(query);
    expect_refused(made, AuthErrc::incomplete_signature,
                   "AWS query-string parameters must include");
  }
}

TEST_F(SigV4, refuses_presigned_lifetimes_out_of_range) {
  net::HttpRequest made = request();
  std::erase_if(made.headers, [](const auto& h) { return h.name == "Authorization"; });
  for (const std::string_view expires : {"0", "-1", "604801", "1e3", "", "99999999999999999999"}) {
    made.target =
        "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID/20261122/us-east-1/ssm/"
        "aws4_request&X-Amz-Date=20261122T080000Z&X-Amz-Expires=" +
        std::string(expires) + "&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    expect_refused(made, AuthErrc::incomplete_signature,
                   "X-Amz-Expires must be a number of seconds from 1 to 604800.");
  }
}

//= AUTH-007
TEST_F(SigV4, refuses_a_presigned_request_after_its_lifetime) {
  net::HttpRequest made = request();
  std::erase_if(made.headers, [](const auto& h) { return h.name == "Authorization"; });
  made.target =
      "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID/20261122/us-east-1/ssm/"
      "aws4_request&X-Amz-Date=20261122T080000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&"
      "X-Amz-Signature=00";
  expect_refused(made, AuthErrc::invalid_signature, "does not match", start_ms + 59'999);
  expect_refused(made, AuthErrc::expired_token,
                 "Request has expired: signed at 20261122T080000Z for 60 seconds; now is "
                 "20261122T080100Z.",
                 start_ms + 60'000);
}

TEST_F(SigV4, signing_again_replaces_the_earlier_signature) {
  net::HttpRequest made = request("ASIA");
  sign_request(made, *credentials_.find("AKID"), {"us-east-1", "ssm", start_ms});
  EXPECT_TRUE(verify(made));
  EXPECT_FALSE(made.header("x-amz-security-token"));
}

TEST_F(SigV4, survives_every_truncation_of_the_authorization_header) {
  const net::HttpRequest good = request();
  const std::string whole(*good.header("authorization"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    net::HttpRequest made = good;
    header(made, "Authorization") = whole.substr(0, size);
    EXPECT_FALSE(verify(made)) << size;
  }
}

}  // namespace
}  // namespace ssm::service
