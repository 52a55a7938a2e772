#include "ssm/agent/data_channel_request.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "detail/xml_text.hpp"

namespace ssm::agent {
namespace {

const net::Url endpoint{.scheme = "http", .host = "127.0.0.1", .port = "4580", .target = "/"};

std::string token(std::string_view body) {
  const auto result = token_from_answer({.status = 201, .headers = {}, .body = std::string(body)});
  return result ? *result : "error: " + result.error().context;
}

TEST(DataChannelRequest, has_the_body_of_the_reference_agent) {
  const net::HttpRequest request = create_data_channel_request(
      create_data_channel_url(endpoint, "user-0123"), "2baf0c87-392b-4f17-8228-e7d5d80919ca", {});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v1/data-channel/user-0123");
  EXPECT_EQ(request.header("Content-Type"), "application/json");
  EXPECT_EQ(request.body, R"({"MessageSchemaVersion":"1.0",)"
                          R"("RequestId":"2baf0c87-392b-4f17-8228-e7d5d80919ca","ClientId":""})");
}

TEST(DataChannelRequest, is_signed_for_ssmmessages_when_otherwise_complete) {
  std::string service;
  const net::HttpRequest request =
      create_data_channel_request(create_data_channel_url(endpoint, "s"), "id",
                                  [&](net::HttpRequest& complete, std::string_view name) {
                                    EXPECT_EQ(complete.header("Host"), "127.0.0.1:4580");
                                    EXPECT_FALSE(complete.body.empty());
                                    service = name;
                                    complete.headers.push_back({"Authorization", "signed"});
                                  });
  EXPECT_EQ(service, "ssmmessages");
  EXPECT_EQ(request.header("Authorization"), "signed");
}

TEST(DataChannelRequest, keeps_the_path_of_the_endpoint) {
  net::Url below = endpoint;
  below.target = "/simulator/?x=1";
  EXPECT_EQ(create_data_channel_url(below, "s-1").target, "/simulator/v1/data-channel/s-1");
}

TEST(DataChannelRequest, encodes_what_may_not_stand_in_a_path) {
  EXPECT_EQ(create_data_channel_url(endpoint, "a b/\r\n?@=x").target,
            "/v1/data-channel/a%20b%2F%0D%0A%3F@=x");
}

TEST(DataChannelRequest, opens_the_websocket_as_publisher_and_subscriber) {
  const net::Url url = data_channel_url(endpoint, "user-0123");
  EXPECT_EQ(url.scheme, "ws");
  EXPECT_EQ(url.target, "/v1/data-channel/user-0123?role=publish_subscribe");
  net::Url secure = endpoint;
  secure.scheme = "https";
  EXPECT_EQ(data_channel_url(secure, "s").scheme, "wss");
}

TEST(DataChannelRequest, leaves_host_out_of_the_upgrade_headers) {
  const std::vector<net::HttpHeader> headers =
      data_channel_headers(data_channel_url(endpoint, "s"), [](net::HttpRequest& request, auto) {
        EXPECT_TRUE(request.header("host"));
        request.headers.push_back({"X-Amz-Date", "20261122T073946Z"});
      });
  ASSERT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].name, "X-Amz-Date");
}

TEST(TokenFromAnswer, reads_the_token_whatever_the_root) {
  EXPECT_EQ(token("<x><MessageSchemaVersion>1.0</MessageSchemaVersion>"
                  "<TokenValue>AAEA/+=</TokenValue></x>"),
            "AAEA/+=");
}

TEST(TokenFromAnswer, skips_declaration_comment_and_attributes) {
  EXPECT_EQ(token("<?xml version=\"1.0\"?><!-- <TokenValue>no</TokenValue> -->\n"
                  "<r:R xmlns:r='a>b'><r:TokenValue kind=\">\">yes</r:TokenValue></r:R>"),
            "yes");
}

TEST(TokenFromAnswer, decodes_entities_and_cdata) {
  EXPECT_EQ(token("<R><TokenValue>a&amp;b&lt;&gt;&quot;&apos;&#65;&#x20AC;<![CDATA[<&]]>z"
                  "</TokenValue></R>"),
            "a&b<>\"'A\xE2\x82\xAC<&z");
}

TEST(TokenFromAnswer, refuses_every_status_but_201_and_quotes_the_body) {
  const auto result = token_from_answer(
      {.status = 200, .headers = {}, .body = "<R><TokenValue>t</TokenValue></R>"});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().context.find("status 200"), std::string::npos);
  EXPECT_NE(result.error().context.find("<TokenValue>"), std::string::npos);
}

TEST(TokenFromAnswer, refuses_a_missing_or_empty_token) {
  EXPECT_TRUE(token("<R><Token>t</Token></R>").starts_with("error: "));
  EXPECT_TRUE(token("<R><TokenValue/></R>").starts_with("error: "));
  EXPECT_TRUE(token("<R><TokenValue></TokenValue></R>").starts_with("error: "));
  EXPECT_TRUE(token("").starts_with("error: "));
}

TEST(XmlText, survives_every_prefix_of_a_document) {
  const std::string whole =
      "<?xml version='1'?><R><!--c--><TokenValue a='b'>&#x41;<![CDATA[x]]></TokenValue></R>";
  const std::size_t complete = whole.find("</R>");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string prefix = whole.substr(0, size);
    const auto found = detail::find_xml_text(prefix, "TokenValue");
    EXPECT_EQ(found.has_value(), size >= complete) << prefix;
  }
}

TEST(XmlText, refuses_children_unknown_entities_and_impossible_characters) {
  for (const char* const bad :
       {"<T><x/></T>", "<T>&nope;</T>", "<T>&#0;</T>", "<T>&#xD800;</T>", "<T>&#x110000;</T>",
        "<T>&#99999999999;</T>", "<T>&;</T>", "<T>&#;</T>", "<T>a</U>", "<T><!--", "<T", "<"}) {
    EXPECT_FALSE(detail::find_xml_text(bad, "T")) << bad;
  }
}

TEST(ControlChannelRequest, container_ids_stay_as_they_are) {
  const net::Url base = *net::Url::parse("https://host:8443/base/");
  EXPECT_EQ(create_control_channel_url(base, "ecs:c_t_r-1").target,
            "/base/v1/control-channel/ecs:c_t_r-1");
  const net::Url socket = control_channel_url(base, "ecs:c_t_r-1");
  EXPECT_EQ(socket.scheme, "wss");
  EXPECT_EQ(socket.target, "/base/v1/control-channel/ecs:c_t_r-1?role=subscribe&stream=input");
}

TEST(ControlChannelRequest, is_signed_for_ssmmessages_and_has_no_client_id) {
  std::string service;
  const net::Url url = create_control_channel_url(*net::Url::parse("http://127.0.0.1:1"), "i-1");
  const net::HttpRequest request = create_control_channel_request(
      url, "r-1", [&service](net::HttpRequest&, std::string_view name) { service = name; });
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.header("host"), "127.0.0.1:1");
  EXPECT_EQ(request.body, R"({"MessageSchemaVersion":"1.0","RequestId":"r-1"})");
  EXPECT_EQ(service, "ssmmessages");
}

}  // namespace
}  // namespace ssm::agent
