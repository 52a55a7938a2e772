// DescribeSessions and DescribeInstanceInformation.

#include <gtest/gtest.h>

#include <boost/json/array.hpp>

#include <string>
#include <vector>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::parse;
using test::ServiceTest;
using test::text;

class Describe : public ServiceTest {
 protected:
  std::vector<std::string> ids(const net::HttpResponse& response, std::string_view list,
                               std::string_view member) {
    EXPECT_EQ(response.status, 200U) << response.body;
    std::vector<std::string> result;
    const auto body = parse(response.body);
    for (const auto& item : body.at(list).as_array()) {
      result.push_back(text(item.as_object(), member));
    }
    return result;
  }
  std::vector<std::string> sessions(std::string_view body) {
    return ids(call("DescribeSessions", body), "Sessions", "SessionId");
  }
  std::vector<std::string> instances(std::string_view body) {
    return ids(call("DescribeInstanceInformation", body), "InstanceInformationList", "InstanceId");
  }
  using Ids = std::vector<std::string>;
};

class DescribeSessions : public Describe {};
class DescribeInstances : public Describe {};

//= SVC-040
TEST_F(DescribeSessions, lists_an_active_session_with_every_member) {
  now_ms += 352;
  const std::string id = start(R"({"Target":"i-123456789","Reason":"look"})", "AKIAALICE");
  ASSERT_TRUE(state.sessions.set_status(id, SessionStatus::connected, now_ms));
  EXPECT_EQ(call("DescribeSessions", R"({"State":"Active"})").body,
            R"({"Sessions":[{"SessionId":")" + id +
                R"(","Target":"i-123456789","Status":"Connected","StartDate":1795334400.352,)"
                R"("DocumentName":"SSM-SessionManagerRunShell",)"
                R"("Owner":"arn:aws:iam::123456789012:user/alice","Reason":"look",)"
                R"("OutputUrl":{},"AccessType":"Standard"}]})");
  EXPECT_EQ(call("DescribeSessions", R"({"State":"History"})").body, R"({"Sessions":[]})");
}

//= SVC-040
TEST_F(DescribeSessions, moves_an_ended_session_to_the_history) {
  const std::string id = start();
  now_ms += 7;
  call("TerminateSession", R"({"SessionId":")" + id + "\"}");
  EXPECT_EQ(call("DescribeSessions", R"({"State":"Active"})").body, R"({"Sessions":[]})");
  EXPECT_EQ(call("DescribeSessions", R"({"State":"History"})").body,
            R"({"Sessions":[{"SessionId":")" + id +
                R"(","Target":"i-123456789","Status":"Terminated","StartDate":1795334400.000,)"
                R"("EndDate":1795334400.007,"DocumentName":"SSM-SessionManagerRunShell",)"
                R"("Owner":"arn:aws:iam::123456789012:user/test",)"
                R"("Details":"Terminated by arn:aws:iam::123456789012:user/test.",)"
                R"("OutputUrl":{},"AccessType":"Standard"}]})");
}

TEST_F(DescribeSessions, counts_terminating_and_failed_as_history) {
  const std::string terminating = start();
  const std::string failed = start();
  const std::string disconnected = start();
  state.sessions.set_status(terminating, SessionStatus::terminating, now_ms);
  state.sessions.end(failed, SessionStatus::failed, "agent never joined", now_ms);
  state.sessions.set_status(disconnected, SessionStatus::disconnected, now_ms);
  EXPECT_EQ(sessions(R"({"State":"Active"})"), Ids{disconnected});
  EXPECT_EQ(sessions(R"({"State":"History"})"), (Ids{failed, terminating}));
}

TEST_F(DescribeSessions, shows_the_maximum_duration_of_the_document) {
  SessionDocument document;
  document.name = "Short";
  document.max_session_duration = "30";
  state.documents.add(document);
  start(R"({"Target":"i-123456789","DocumentName":"Short"})");
  const auto body = parse(call("DescribeSessions", R"({"State":"Active"})").body);
  EXPECT_EQ(text(body.at("Sessions").as_array().at(0).as_object(), "MaxSessionDuration"), "30");
}

//= SVC-041
TEST_F(DescribeSessions, filters_by_each_key) {
  const std::string first = start(R"({"Target":"i-123456789"})", "AKIAALICE");
  now_ms += 10'000;
  const std::string second = start(R"({"Target":"i-0123456789abcdef0"})");
  state.sessions.set_status(second, SessionStatus::connected, now_ms);
  const auto filtered = [this](const std::string& key, const std::string& value) {
    return sessions(R"({"State":"Active","Filters":[{"key":")" + key + R"(","value":")" + value +
                    "\"}]}");
  };
  EXPECT_EQ(filtered("SessionId", first), Ids{first});
  EXPECT_EQ(filtered("Target", "i-0123456789abcdef0"), Ids{second});
  EXPECT_EQ(filtered("Owner", "arn:aws:iam::123456789012:user/alice"), Ids{first});
  EXPECT_EQ(filtered("Status", "Connected"), Ids{second});
  EXPECT_EQ(filtered("Status", "connected"), Ids{});
  EXPECT_EQ(filtered("AccessType", "Standard"), (Ids{second, first}));
  EXPECT_EQ(filtered("AccessType", "JustInTime"), Ids{});
  EXPECT_EQ(filtered("InvokedAfter", "2026-11-22T08:00:05Z"), Ids{second});
  EXPECT_EQ(filtered("InvokedBefore", "2026-11-22T08:00:05.5Z"), Ids{first});
}

//= SVC-041
TEST_F(DescribeSessions, several_filters_must_all_match) {
  start(R"({"Target":"i-123456789"})", "AKIAALICE");
  const std::string mine = start(R"({"Target":"i-123456789"})");
  EXPECT_EQ(sessions(R"({"State":"Active","Filters":[{"key":"Target","value":"i-123456789"},)"
                     R"({"key":"Owner","value":"arn:aws:iam::123456789012:user/test"}]})"),
            Ids{mine});
}

//= SVC-041
TEST_F(DescribeSessions, an_unknown_filter_key_is_refused) {
  expect_error(
      call("DescribeSessions", R"({"State":"Active","Filters":[{"key":"Colour","value":"red"}]})"),
      400,
      R"({"__type":"InvalidFilterKey","message":"'Colour' is not a filter key. Use one of )"
      R"(InvokedAfter, InvokedBefore, Target, Owner, Status, SessionId, AccessType."})");
}

TEST_F(DescribeSessions, a_time_that_is_none_is_refused) {
  for (const std::string_view time :
       {"yesterday", "2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T08:00:00+01:00",
        "2026-11-22T08:00:00.Z", "2026-11-22T08:00:00"}) {
    expect_error(
        call("DescribeSessions", R"({"State":"Active","Filters":[{"key":"InvokedAfter","value":")" +
                                     std::string(time) + "\"}]}"),
        400,
        R"({"__type":"ValidationException","message":"1 validation error detected: )"
        R"(Value ')" +
            std::string(time) +
            R"(' at 'filters.1.member.value' failed to satisfy constraint: Member must )"
            R"(be an ISO 8601 time such as 2018-08-29T00:00:00Z"})");
  }
}

//= SVC-041
TEST_F(DescribeSessions, pages_give_every_session_once_while_others_start_and_end) {
  Ids expected;
  for (int i = 0; i < 5; ++i) {
    expected.insert(expected.begin(), start());
  }
  const auto first = parse(call("DescribeSessions", R"({"State":"Active","MaxResults":2})").body);
  start();
  state.sessions.end(expected[1], SessionStatus::terminated, "", now_ms);
  const auto second =
      parse(call("DescribeSessions", R"({"State":"Active","MaxResults":2,"NextToken":")" +
                                         text(first, "NextToken") + "\"}")
                .body);
  const auto third =
      parse(call("DescribeSessions", R"({"State":"Active","MaxResults":2,"NextToken":")" +
                                         text(second, "NextToken") + "\"}")
                .body);
  Ids seen;
  for (const auto& page : {first, second, third}) {
    for (const auto& item : page.at("Sessions").as_array()) {
      seen.push_back(text(item.as_object(), "SessionId"));
    }
  }
  EXPECT_EQ(seen, expected);
  EXPECT_FALSE(third.contains("NextToken"));
}

TEST_F(DescribeSessions, the_last_full_page_has_no_token) {
  start();
  start();
  EXPECT_FALSE(parse(call("DescribeSessions", R"({"State":"Active","MaxResults":2})").body)
                   .contains("NextToken"));
}

TEST_F(DescribeSessions, forged_and_foreign_tokens_are_refused) {
  start();
  start();
  const std::string good = text(
      parse(call("DescribeSessions", R"({"State":"Active","MaxResults":1})").body), "NextToken");
  std::string altered = good;
  altered[3] = altered[3] == 'A' ? 'B' : 'A';
  const auto expect_invalid = [this](const std::string& body) {
    expect_error(call("DescribeSessions", body), 400,
                 R"({"__type":"InvalidNextToken","Message":"The specified token is not valid."})");
  };
  for (const std::string& token : {altered, good + "A", good.substr(1), std::string(),
                                   std::string("!"), std::string("AAAA")}) {
    expect_invalid(R"({"State":"Active","NextToken":")" + token + "\"}");
  }
  expect_invalid(R"({"State":"History","NextToken":")" + good + "\"}");
  expect_invalid(R"({"State":"Active","Filters":[{"key":"Status","value":"Connecting"}],)"
                 R"("NextToken":")" +
                 good + "\"}");
  EXPECT_EQ(sessions(R"({"State":"Active","NextToken":")" + good + "\"}").size(), 1U);
}

//= SVC-043
TEST_F(DescribeInstances, lists_the_default_instances) {
  EXPECT_EQ(instances("{}"), (Ids{"i-123456789", "i-0123456789abcdef0", "mi-0123456789abcdef0"}));
}

//= SVC-043
TEST_F(DescribeInstances, shows_every_member) {
  const auto response =
      call("DescribeInstanceInformation",
           R"({"Filters":[{"Key":"ResourceType","Values":["ManagedInstance"]}]})");
  EXPECT_EQ(response.body,
            R"({"InstanceInformationList":[{"InstanceId":"mi-0123456789abcdef0",)"
            R"("PingStatus":"Online","LastPingDateTime":1795334400.000,"AgentVersion":"3.3.0.0",)"
            R"("IsLatestVersion":true,"PlatformType":"Linux","PlatformName":"Debian GNU/Linux",)"
            R"("PlatformVersion":"12","ActivationId":"11111111-2222-3333-4444-555555555555",)"
            R"("IamRole":"SSMServiceRole","RegistrationDate":1795334400.000,)"
            R"("ResourceType":"ManagedInstance","IPAddress":"127.0.0.1",)"
            R"("ComputerName":"mi-0123456789abcdef0.ssmsim.test",)"
            R"("SourceId":"mi-0123456789abcdef0","SourceType":"AWS::SSM::ManagedInstance"}]})");
}

TEST_F(DescribeInstances, filters_in_both_forms) {
  state.instances.set_online("i-123456789", false, now_ms);
  state.instances.find("i-123456789")->tags = {{"team", "blue"}};
  EXPECT_EQ(instances(R"({"InstanceInformationFilterList":[{"key":"PingStatus",)"
                      R"("valueSet":["ConnectionLost","Inactive"]}]})"),
            Ids{"i-123456789"});
  EXPECT_EQ(
      instances(R"({"Filters":[{"Key":"InstanceIds","Values":["i-0123456789abcdef0","x"]}]})"),
      Ids{"i-0123456789abcdef0"});
  EXPECT_EQ(instances(R"({"Filters":[{"Key":"tag:team","Values":["red","blue"]}]})"),
            Ids{"i-123456789"});
  EXPECT_EQ(instances(R"({"Filters":[{"Key":"tag-key","Values":["team"]}]})"), Ids{"i-123456789"});
  EXPECT_EQ(instances(R"({"Filters":[{"Key":"PlatformTypes","Values":["Windows"]}]})"), Ids{});
  EXPECT_EQ(instances(R"({"Filters":[{"Key":"IamRole","Values":["SSMServiceRole"]}]})"),
            Ids{"mi-0123456789abcdef0"});
  EXPECT_EQ(instances(R"({"Filters":[{"Key":"AssociationStatus","Values":["Success"]}]})"), Ids{});
}

TEST_F(DescribeInstances, refuses_unknown_keys_values_and_both_forms_together) {
  expect_error(
      call("DescribeInstanceInformation", R"({"Filters":[{"Key":"Colour","Values":["red"]}]})"),
      400,
      R"({"__type":"InvalidFilterKey","message":"'Colour' is not a filter key. Use one of )"
      R"(InstanceIds, AgentVersion, PingStatus, PlatformTypes, ActivationIds, IamRole, )"
      R"(ResourceType, AssociationStatus, tag-key, tag:<key>."})");
  expect_error(
      call("DescribeInstanceInformation",
           R"({"Filters":[{"Key":"PingStatus","Values":["Sleepy"]}]})"),
      400,
      R"({"__type":"InvalidInstanceInformationFilterValue","message":"'Sleepy' is not a value of )"
      R"(filter key PingStatus."})");
  expect_error(
      call("DescribeInstanceInformation",
           R"({"Filters":[{"Key":"PingStatus","Values":["Online"]}],)"
           R"("InstanceInformationFilterList":[{"key":"PingStatus","valueSet":["Online"]}]})"),
      400,
      R"({"__type":"ValidationException","message":"InstanceInformationFilterList and Filters )"
      R"(can not be used together."})");
}

TEST_F(DescribeInstances, pages_through_all_instances) {
  for (int i = 0; i < 4; ++i) {
    state.instances.add({.id = "i-extra" + std::to_string(i)});
  }
  const auto first = parse(call("DescribeInstanceInformation", R"({"MaxResults":5})").body);
  EXPECT_EQ(first.at("InstanceInformationList").as_array().size(), 5U);
  const std::string token = text(first, "NextToken");
  EXPECT_EQ(instances(R"({"MaxResults":5,"NextToken":")" + token + "\"}"),
            (Ids{"i-extra2", "i-extra3"}));
  expect_error(call("DescribeInstanceInformation", R"({"NextToken":"x)" + token + "\"}"), 400,
               R"({"__type":"InvalidNextToken","Message":"The specified token is not valid."})");
}

}  // namespace
}  // namespace ssm::service
