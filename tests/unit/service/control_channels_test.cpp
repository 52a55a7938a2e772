#include "ssm/service/control_channels.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loop_until.hpp"
#include "service_fixture.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/net/http_server.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/task.hpp"

namespace ssm::service {
namespace {

using namespace std::chrono_literals;

/// The agent's end of one control channel, over a real socket.
struct Agent {
  std::optional<net::WebSocket> socket;
  net::PendingOperation opening;
  std::vector<protocol::Frame> received;
  std::optional<net::WebSocketEnd> end;
  std::string failure;
};

class ControlChannelsTest : public test::ServiceTest {
 protected:
  ControlChannelsTest() { make({}); }

  void make(ControlChannelOptions options) {
    channels = std::make_unique<ControlChannels>(
        loop, state, options,
        ControlChannelHandlers{
            .on_task_complete =
                [this](const std::string& id, TaskOutcome outcome, const std::string& output) {
                  log.push_back(id + " " + std::to_string(static_cast<int>(outcome)) + " " +
                                output);
                },
            .on_gone = [this](const std::string& id) { log.push_back("gone " + id); }});
  }

  void SetUp() override {
    auto started =
        net::HttpServer::listen(loop, {},
                                {.on_request =
                                     [this](const net::HttpRequest& request,
                                            const std::function<void(net::HttpResponse)>& respond) {
                                       respond(mgs.handle(request, net::EventLoop::unix_ms()));
                                     },
                                 .on_upgrade =
                                     [this](const net::HttpRequest& request, net::Upgrade upgrade) {
                                       channels->handle_upgrade(request, std::move(upgrade), mgs);
                                     }});
    ASSERT_TRUE(started);
    server.emplace(std::move(*started));
  }

  bool until(const std::function<bool()>& done) { return ssm::test::loop_until(loop, done); }

  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(server->port()); }

  net::HttpRequest request(std::string_view method, const std::string& target, bool is_signed) {
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    request.headers = {{"Host", host()}};
    if (is_signed) {
      sign_request(request, *state.credentials.find("test"),
                   {"us-east-1", "ssmmessages", net::EventLoop::unix_ms()});
    }
    return request;
  }

  net::HttpResponse create(const std::string& id, std::string body = R"({"MessageSchemaVersion":)"
                                                                     R"("1.0","RequestId":)"
                                                                     R"("0123456789abcdef"})") {
    net::HttpRequest post = request("POST", "/v1/control-channel/" + id, false);
    post.body = std::move(body);
    sign_request(post, *state.credentials.find("test"),
                 {"us-east-1", "ssmmessages", net::EventLoop::unix_ms()});
    return mgs.handle(post, net::EventLoop::unix_ms());
  }

  std::string token(const std::string& id) {
    const std::string body = create(id).body;
    const std::size_t begin = body.find("<TokenValue>") + 12;
    return body.substr(begin, body.find("</TokenValue>") - begin);
  }

  std::unique_ptr<Agent> dial(const std::string& id, bool is_signed = true) {
    auto agent = std::make_unique<Agent>();
    const std::string target = "/v1/control-channel/" + id + "?role=subscribe&stream=input";
    net::HttpRequest upgrade = request("GET", target, is_signed);
    agent->opening = net::connect_websocket(
        loop, *net::Url::parse("ws://" + host() + target), upgrade.headers, {},
        [one = agent.get()](protocol::Result<net::WebSocket> opened) {
          if (!opened) {
            one->failure = opened.error().to_string();
            return;
          }
          one->socket = std::move(*opened);
          one->socket->start(
              {.on_message = [one](protocol::Frame frame,
                                   bool) { one->received.push_back(std::move(frame)); },
               .on_end = [one](const net::WebSocketEnd& end) { one->end = end; },
               .on_writable = {},
               .on_ping = {},
               .on_pong = {}});
        });
    EXPECT_TRUE(until([&] { return agent->socket || !agent->failure.empty(); }));
    return agent;
  }

  /// An agent whose channel the service has accepted.
  std::unique_ptr<Agent> connect(const std::string& id) {
    auto agent = dial(id);
    agent->socket->send_text(
        protocol::serialize(protocol::OpenControlChannel{.request_id = "r",
                                                         .token_value = token(id),
                                                         .agent_version = "3.1.1.0",
                                                         .platform_type = "linux"}));
    EXPECT_TRUE(until([&] { return channels->connected(id); }));
    return agent;
  }

  template <class Payload>
  static protocol::Frame message(protocol::MessageType type, const Payload& payload) {
    protocol::Random random(9);
    return *protocol::encode({.type = protocol::wire_name(type),
                              .created_date_ms = 1,
                              .sequence_number = 0,
                              .flags = 0,
                              .message_id = protocol::Uuid::random_v4(random),
                              .payload_type = protocol::PayloadType::none},
                             protocol::as_bytes(payload));
  }
  static protocol::Frame completion(const std::string& session, const std::string& status) {
    return message(protocol::MessageType::agent_task_complete,
                   serialize(protocol::AgentTaskComplete{.task_id = session,
                                                         .topic = "agent_task_complete",
                                                         .final_task_status = status,
                                                         .aws_account_id = {},
                                                         .instance_id = {},
                                                         .output = "why",
                                                         .s3_bucket = {},
                                                         .s3_url_suffix = {},
                                                         .cwl_group = {},
                                                         .cwl_stream = {}}));
  }

  net::EventLoop loop;
  std::vector<std::string> log;
  std::unique_ptr<ControlChannels> channels;
  std::optional<net::HttpServer> server;
};

//= CTL-001
TEST_F(ControlChannelsTest, create_answers_201_with_a_token) {
  const auto response = create("i-123456789");
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.header("content-type"), "text/xml");
  EXPECT_EQ(
      response.body.find(R"(<?xml version="1.0" encoding="UTF-8"?><CreateControlChannelOutput>)"
                         "<MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>"),
      0U);
}

//= CTL-002
TEST_F(ControlChannelsTest, container_ids_work) {
  EXPECT_EQ(create("ecs:mycluster_task_rt-1").status, 201U);
  const auto agent = connect("ecs:mycluster_task_rt-1");
  EXPECT_TRUE(state.instances.is_online("ecs:mycluster_task_rt-1"));
  EXPECT_EQ(create("..").status, 400U);
  EXPECT_EQ(create("a%2Fb").status, 400U);
}

//= CTL-003
TEST_F(ControlChannelsTest, unsigned_and_malformed_creations_are_refused) {
  const auto response = mgs.handle(request("POST", "/v1/control-channel/i-1", false), now_ms);
  EXPECT_EQ(response.status, 400U);
  EXPECT_NE(response.body.find("Request is not authenticated."), std::string::npos);
  EXPECT_EQ(create("i-1", "{}").status, 400U);
  EXPECT_EQ(create("i-1", "x").status, 400U);
}

TEST_F(ControlChannelsTest, an_unsigned_upgrade_is_refused) {
  const auto agent = dial("i-123456789", false);
  EXPECT_NE(agent->failure.find("400"), std::string::npos) << agent->failure;
}

//= CTL-006
TEST_F(ControlChannelsTest, an_instance_nobody_configured_is_added_when_its_agent_connects) {
  EXPECT_EQ(state.instances.find("i-new"), nullptr);
  const auto agent = dial("i-new");
  EXPECT_EQ(state.instances.find("i-new"), nullptr);
  const auto connected = connect("i-new");
  const ManagedInstance* instance = state.instances.find("i-new");
  ASSERT_NE(instance, nullptr);
  EXPECT_TRUE(instance->online);
  EXPECT_EQ(instance->agent, AgentPlace::remote);
  EXPECT_EQ(instance->agent_version, "3.1.1.0");
  EXPECT_EQ(instance->platform_type, "Linux");
}

TEST_F(ControlChannelsTest, it_is_offline_when_its_channel_has_gone) {
  auto agent = connect("i-new");
  agent->socket->drop();
  ASSERT_TRUE(until([&] { return !log.empty(); }));
  EXPECT_EQ(log.front(), "gone i-new");
  EXPECT_FALSE(state.instances.is_online("i-new"));
  EXPECT_FALSE(channels->connected("i-new"));
}

//= CTL-006
TEST_F(ControlChannelsTest, wrong_first_frames_are_closed) {
  const std::vector<std::string> frames = {R"({"MessageSchemaVersion":"1.0","TokenValue":"wrong"})",
                                           "x", "[]", std::string(20000, ' ')};
  for (const std::string& frame : frames) {
    const auto agent = dial("i-123456789");
    agent->socket->send_text(frame);
    ASSERT_TRUE(until([&] { return agent->end.has_value(); }));
    EXPECT_EQ(agent->end->code, 1008);
  }
  const auto binary = dial("i-123456789");
  binary->socket->send_binary(completion("x", "Success"));
  ASSERT_TRUE(until([&] { return binary->end.has_value(); }));
  EXPECT_EQ(binary->end->reason,
            "the first frame must be a text frame with OpenControlChannelInput");
  const auto other = dial("i-123456789");
  other->socket->send_text(
      protocol::serialize(protocol::OpenControlChannel{.request_id = {},
                                                       .token_value = token("i-other"),
                                                       .agent_version = {},
                                                       .platform_type = {}}));
  ASSERT_TRUE(until([&] { return other->end.has_value(); }));
  EXPECT_EQ(other->end->reason, "the token is refused: it was not issued for this instance");
  EXPECT_FALSE(channels->connected("i-123456789"));
}

TEST_F(ControlChannelsTest, a_silent_connection_is_closed_in_time) {
  make({.open_limit = 1ms});
  const auto agent = dial("i-123456789");
  ASSERT_TRUE(until([&] { return agent->end.has_value(); }));
  EXPECT_EQ(agent->end->reason, "no OpenControlChannel frame arrived in time");
}

TEST_F(ControlChannelsTest, an_agent_of_which_nothing_is_heard_is_taken_for_gone) {
  make({.silence_limit = 20ms});
  const auto agent = connect("i-new");
  ASSERT_TRUE(until([&] { return !channels->connected("i-new"); }));
  EXPECT_FALSE(state.instances.is_online("i-new"));
}

//= CTL-009
TEST_F(ControlChannelsTest, the_newest_channel_replaces_the_older_one) {
  const auto old = connect("i-new");
  const auto agent = dial("i-new");
  agent->socket->send_text(protocol::serialize(protocol::OpenControlChannel{
      .request_id = {}, .token_value = token("i-new"), .agent_version = "9", .platform_type = {}}));
  ASSERT_TRUE(until([&] { return old->end.has_value(); }));
  EXPECT_TRUE(channels->connected("i-new"));
  EXPECT_TRUE(state.instances.is_online("i-new"));
  EXPECT_TRUE(log.empty());
  channels->cancel_session("i-new", "s");
  ASSERT_TRUE(until([&] { return !agent->received.empty(); }));
  EXPECT_TRUE(old->received.empty());
}

//= CTL-010
//= SVC-018
TEST_F(ControlChannelsTest, a_session_is_ordered_by_interactive_shell) {
  const auto agent = connect("i-new");
  const auto other = connect("i-other");
  protocol::SessionTask task{.document_name = "Doc",
                             .document_content = R"({"a":"{{ b }}"})",
                             .session_id = "s-1",
                             .parameters = R"({"b":"c"})",
                             .run_as_user = {},
                             .session_owner = "arn"};
  channels->start_session({.target = "i-new", .task = task});
  ASSERT_TRUE(until([&] { return !agent->received.empty(); }));
  const auto view = protocol::parse(agent->received[0].bytes(), protocol::pedantic_message_rules);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header_length, 116U);
  EXPECT_EQ(view->type, protocol::MessageType::interactive_shell);
  EXPECT_NE(view->created_date_ms, 0U);
  const auto shell = protocol::parse_interactive_shell(view->payload);
  ASSERT_TRUE(shell);
  EXPECT_EQ(shell->content, task);
  EXPECT_EQ(shell->task_id, "s-1");
  EXPECT_TRUE(other->received.empty());
}

//= CTL-020
TEST_F(ControlChannelsTest, a_session_is_cancelled_by_channel_closed) {
  const auto agent = connect("i-new");
  channels->cancel_session("i-new", "s-1");
  ASSERT_TRUE(until([&] { return !agent->received.empty(); }));
  const auto view = protocol::parse(agent->received[0].bytes(), protocol::pedantic_message_rules);
  ASSERT_TRUE(view);
  const auto closed = protocol::parse_channel_closed(view->payload);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->session_id, "s-1");
  EXPECT_EQ(closed->destination_id, "i-new");
}

//= CTL-016
//= CTL-017
TEST_F(ControlChannelsTest, a_completion_is_acknowledged_by_its_message_id_and_handed_on) {
  const auto agent = connect("i-new");
  const std::string session = start(R"({"Target":"i-new"})");
  const protocol::Frame frame = completion(session, "Failed");
  agent->socket->send_binary(frame);
  agent->socket->send_binary(frame);
  ASSERT_TRUE(until([&] { return agent->received.size() == 2; }));
  const auto view = protocol::parse(agent->received[0].bytes(), protocol::pedantic_message_rules);
  ASSERT_TRUE(view);
  const auto acknowledge = protocol::parse_agent_task_acknowledge(view->payload);
  ASSERT_TRUE(acknowledge);
  EXPECT_EQ(acknowledge->task_id, session);
  EXPECT_EQ(acknowledge->message_id, protocol::decode(frame.bytes())->message_id.to_string());
  EXPECT_EQ(log, (std::vector<std::string>{session + " 2 why", session + " 2 why"}));
}

TEST_F(ControlChannelsTest, an_agent_ends_no_session_of_another_instance) {
  const auto agent = connect("i-new");
  const std::string session = start();
  agent->socket->send_binary(completion(session, "Success"));
  agent->socket->send_binary(completion("forgotten", "Success"));
  ASSERT_TRUE(until([&] { return !agent->received.empty(); }));
  EXPECT_TRUE(log.empty());
}

//= CTL-026
TEST_F(ControlChannelsTest, unknown_and_malformed_messages_are_ignored) {
  const auto agent = connect("i-new");
  agent->socket->send_text("text");
  agent->socket->send_binary(protocol::Frame::copy_of(protocol::as_bytes("short")));
  agent->socket->send_binary(message(protocol::MessageType::agent_session_state, "x"));
  agent->socket->send_binary(message(protocol::MessageType::agent_task_complete, "x"));
  agent->socket->send_binary(completion("forgotten", "Success"));
  ASSERT_TRUE(until([&] { return !agent->received.empty(); }));
  EXPECT_TRUE(channels->connected("i-new"));
}

TEST_F(ControlChannelsTest, an_instance_that_is_kept_offline_gets_no_channel) {
  const auto agent = connect("i-new");
  state.refused_agents.insert("i-new");
  EXPECT_TRUE(channels->drop("i-new"));
  EXPECT_FALSE(channels->drop("i-new"));
  ASSERT_TRUE(until([&] { return agent->end.has_value(); }));
  EXPECT_EQ(create("i-new").status, 503U);
  EXPECT_NE(dial("i-new")->failure.find("503"), std::string::npos);
  state.refused_agents.clear();
  const auto again = connect("i-new");
  EXPECT_TRUE(state.instances.is_online("i-new"));
}

TEST_F(ControlChannelsTest, only_so_many_instances_are_added) {
  make({.max_instances = 1});
  const auto first = connect("i-first");
  const auto second = dial("i-second");
  second->socket->send_text(
      protocol::serialize(protocol::OpenControlChannel{.request_id = {},
                                                       .token_value = token("i-second"),
                                                       .agent_version = {},
                                                       .platform_type = {}}));
  ASSERT_TRUE(until([&] { return second->end.has_value(); }));
  EXPECT_EQ(second->end->reason, "too many instances");
  const auto known = connect("i-123456789");
}

}  // namespace
}  // namespace ssm::service
