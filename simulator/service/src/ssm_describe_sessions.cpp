#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detail/json_writer.hpp"
#include "detail/paging.hpp"
#include "detail/ssm_call.hpp"
#include "detail/text.hpp"
#include "ssm/service/ssm_api.hpp"

namespace ssm::service {
namespace {

using detail::JsonWriter;

constexpr std::array<std::string_view, 2> states = {"Active", "History"};
constexpr std::int64_t max_page = 200;

struct Filter {
  std::string key;
  std::string value;
  std::int64_t time_ms = 0;  ///< InvokedAfter and InvokedBefore
};

//= SVC-041
[[nodiscard]] std::optional<AwsError> check(Filter& filter, std::size_t number) {
  constexpr std::array<std::string_view, 7> keys = {
      "InvokedAfter", "InvokedBefore", "Target", "Owner", "Status", "SessionId", "AccessType"};
  if (std::find(keys.begin(), keys.end(), filter.key) == keys.end()) {
    return AwsError{"InvalidFilterKey",
                    "'" + detail::excerpt(filter.key, 128) +
                        "' is not a filter key. Use one of InvokedAfter, InvokedBefore, Target, "
                        "Owner, Status, SessionId, AccessType.",
                    400, MessageMember::lower_case};
  }
  if (filter.key.starts_with("Invoked")) {
    const auto time = detail::parse_extended_time(filter.value);
    if (!time) {
      detail::Violations violations;
      violations.add("'" + filter.value + "'",
                     "filters." + std::to_string(number) + ".member.value",
                     "Member must be an ISO 8601 time such as 2018-08-29T00:00:00Z");
      return violations.error();
    }
    filter.time_ms = *time;
  }
  return std::nullopt;
}

[[nodiscard]] bool matches(const Session& session, const Filter& filter) {
  if (filter.key == "InvokedAfter") {
    return session.started_ms > filter.time_ms;
  }
  if (filter.key == "InvokedBefore") {
    return session.started_ms < filter.time_ms;
  }
  const std::string_view value = filter.key == "Target"      ? session.target
                                 : filter.key == "Owner"     ? session.owner.arn
                                 : filter.key == "SessionId" ? session.id
                                 : filter.key == "Status"    ? to_text(session.status)
                                                             : "Standard";
  return value == filter.value;
}

//= SVC-040
void write(JsonWriter& json, const Session& session, const DocumentStore& documents) {
  json.begin_object();
  json.key("SessionId").string(session.id);
  json.key("Target").string(session.target);
  json.key("Status").string(to_text(session.status));
  json.key("StartDate").timestamp(session.started_ms);
  if (session.ended_ms) {
    json.key("EndDate").timestamp(*session.ended_ms);
  }
  json.key("DocumentName").string(session.document_name);
  json.key("Owner").string(session.owner.arn);
  if (!session.reason.empty()) {
    json.key("Reason").string(session.reason);
  }
  if (!session.details.empty()) {
    json.key("Details").string(session.details);
  }
  json.key("OutputUrl").begin_object().end_object();
  const SessionDocument* document = documents.find(session.document_name);
  if (document != nullptr && !document->max_session_duration.empty()) {
    json.key("MaxSessionDuration").string(document->max_session_duration);
  }
  json.key("AccessType").string("Standard");
  json.end_object();
}

/// What a NextToken is bound to: every member that selects sessions.
[[nodiscard]] std::string query_text(std::string_view state, const std::vector<Filter>& filters) {
  std::string text = "DescribeSessions";
  for (const std::string_view part : {state}) {
    text.append("\n").append(part);
  }
  for (const Filter& filter : filters) {
    text.append("\n").append(filter.key).append("=");
    text.append(std::to_string(filter.value.size())).append(":").append(filter.value);
  }
  return text;
}

}  // namespace

AwsResult<std::string> SsmApi::describe_sessions(Call& call) {
  auto reader = call.reader();
  const auto state = reader.string("State", {.required = true, .values = states});
  const auto page =
      static_cast<std::size_t>(reader.integer("MaxResults", {1, max_page}).value_or(max_page));
  const auto next_token = reader.string("NextToken", {});
  std::vector<Filter> filters;
  for (auto& item : reader.objects("Filters", {.min_size = 1, .max_size = 6})) {
    Filter& filter = filters.emplace_back();
    filter.key = item.string("key", {.required = true}).value_or("");
    filter.value =
        item.string("value", {.required = true, .min_length = 1, .max_length = 400}).value_or("");
  }
  if (auto error = call.violations.error()) {
    return std::move(*error);
  }
  for (std::size_t i = 0; i < filters.size(); ++i) {
    if (auto error = check(filters[i], i + 1)) {
      return std::move(*error);
    }
  }
  const std::string query = query_text(*state, filters);
  std::uint64_t before = UINT64_MAX;
  if (next_token) {
    const auto position = detail::read_page_token(state_.paging_key, query, *next_token);
    if (!position) {
      return modelled_error("InvalidNextToken", "The specified token is not valid.");
    }
    before = *position;
  }

  JsonWriter json;
  json.begin_object().key("Sessions").begin_array();
  std::size_t written = 0;
  std::uint64_t last_order = 0;
  bool more = false;
  const auto visit = [&](const Session& session) {
    if (!std::all_of(filters.begin(), filters.end(),
                     [&](const Filter& filter) { return matches(session, filter); })) {
      return true;
    }
    if (written == page) {
      more = true;
      return false;
    }
    write(json, session, state_.documents);
    last_order = session.order;
    ++written;
    return true;
  };
  if (*state == "Active") {
    state_.sessions.visit_active(visit, before);
  } else {
    state_.sessions.visit_history(visit, before);
  }
  json.end_array();
  if (more) {
    json.key("NextToken").string(detail::make_page_token(state_.paging_key, query, last_order));
  }
  json.end_object();
  return json.take();
}

}  // namespace ssm::service
