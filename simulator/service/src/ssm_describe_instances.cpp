#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
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

constexpr std::int64_t max_page = 50;

struct Filter {
  std::string key;
  std::vector<std::string> values;
};

struct KnownKey {
  std::string_view key;
  /// Values that the key can have; empty: any.
  std::array<std::string_view, 3> values{};
};
constexpr std::array known_keys = {
    KnownKey{"InstanceIds", {}},
    KnownKey{"AgentVersion", {}},
    KnownKey{"PingStatus", {"Online", "ConnectionLost", "Inactive"}},
    KnownKey{"PlatformTypes", {"Windows", "Linux", "MacOS"}},
    KnownKey{"ActivationIds", {}},
    KnownKey{"IamRole", {}},
    KnownKey{"ResourceType", {"ManagedInstance", "EC2Instance", {}}},
    KnownKey{"AssociationStatus", {}},
};

[[nodiscard]] std::optional<AwsError> check(const Filter& filter) {
  if (filter.key == "tag-key" || filter.key.starts_with("tag:")) {
    return std::nullopt;
  }
  const auto known = std::find_if(known_keys.begin(), known_keys.end(),
                                  [&](const KnownKey& k) { return k.key == filter.key; });
  if (known == known_keys.end()) {
    return AwsError{"InvalidFilterKey",
                    "'" + detail::excerpt(filter.key, 128) +
                        "' is not a filter key. Use one of InstanceIds, AgentVersion, PingStatus, "
                        "PlatformTypes, ActivationIds, IamRole, ResourceType, AssociationStatus, "
                        "tag-key, tag:<key>.",
                    400, MessageMember::lower_case};
  }
  for (const std::string& value : filter.values) {
    if (!known->values[0].empty() &&
        std::find(known->values.begin(), known->values.end(), value) == known->values.end()) {
      return AwsError{
          "InvalidInstanceInformationFilterValue",
          "'" + detail::excerpt(value, 128) + "' is not a value of filter key " + filter.key + ".",
          400, MessageMember::lower_case};
    }
  }
  return std::nullopt;
}

/// The values of a filter are alternatives.
[[nodiscard]] bool matches(const ManagedInstance& instance, const Filter& filter) {
  const auto wanted = [&filter](std::string_view value) {
    return !value.empty() &&
           std::find(filter.values.begin(), filter.values.end(), value) != filter.values.end();
  };
  if (filter.key == "tag-key") {
    return std::any_of(instance.tags.begin(), instance.tags.end(),
                       [&](const auto& tag) { return wanted(tag.first); });
  }
  if (filter.key.starts_with("tag:")) {
    const auto tag = instance.tags.find(filter.key.substr(4));
    return tag != instance.tags.end() && wanted(tag->second);
  }
  const std::string_view value = filter.key == "InstanceIds"     ? instance.id
                                 : filter.key == "AgentVersion"  ? instance.agent_version
                                 : filter.key == "PingStatus"    ? instance.ping_status()
                                 : filter.key == "PlatformTypes" ? instance.platform_type
                                 : filter.key == "ActivationIds" ? instance.activation_id
                                 : filter.key == "IamRole"       ? instance.iam_role
                                 : filter.key == "ResourceType"  ? instance.resource_type()
                                                                 : std::string_view();
  return wanted(value);
}

//= SVC-043
void write(JsonWriter& json, const ManagedInstance& instance) {
  const auto optional = [&json](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      json.key(name).string(value);
    }
  };
  json.begin_object();
  json.key("InstanceId").string(instance.id);
  json.key("PingStatus").string(instance.ping_status());
  json.key("LastPingDateTime").timestamp(instance.last_ping_ms);
  json.key("AgentVersion").string(instance.agent_version);
  json.key("IsLatestVersion").boolean(true);
  json.key("PlatformType").string(instance.platform_type);
  optional("PlatformName", instance.platform_name);
  optional("PlatformVersion", instance.platform_version);
  optional("ActivationId", instance.activation_id);
  optional("IamRole", instance.iam_role);
  if (instance.registered_ms) {
    json.key("RegistrationDate").timestamp(*instance.registered_ms);
  }
  json.key("ResourceType").string(instance.resource_type());
  optional("Name", instance.name);
  optional("IPAddress", instance.ip_address);
  optional("ComputerName", instance.computer_name);
  json.key("SourceId").string(instance.id);
  json.key("SourceType")
      .string(instance.resource_type() == "ManagedInstance" ? "AWS::SSM::ManagedInstance"
                                                            : "AWS::EC2::Instance");
  json.end_object();
}

[[nodiscard]] std::string query_text(const std::vector<Filter>& filters) {
  std::string text = "DescribeInstanceInformation";
  for (const Filter& filter : filters) {
    text.append("\n").append(std::to_string(filter.key.size())).append(":").append(filter.key);
    for (const std::string& value : filter.values) {
      text.append(",").append(std::to_string(value.size())).append(":").append(value);
    }
  }
  return text;
}

}  // namespace

AwsResult<std::string> SsmApi::describe_instance_information(Call& call) {
  constexpr detail::ListRule values_rule{.required = true, .min_size = 1, .max_size = 100};
  // The model sets no bound on the number of filters; this one keeps a call cheap.
  constexpr detail::ListRule filters_rule{.max_size = 100};
  auto reader = call.reader();
  std::vector<Filter> filters;
  auto old_form = reader.objects("InstanceInformationFilterList", filters_rule);
  auto new_form = reader.objects("Filters", filters_rule);
  for (auto& item : old_form) {
    Filter& filter = filters.emplace_back();
    filter.key = item.string("key", {.required = true}).value_or("");
    filter.values = item.strings("valueSet", values_rule, {.min_length = 1});
  }
  for (auto& item : new_form) {
    Filter& filter = filters.emplace_back();
    filter.key = item.string("Key", {.required = true, .min_length = 1}).value_or("");
    filter.values = item.strings("Values", values_rule, {.min_length = 1});
  }
  const auto page =
      static_cast<std::size_t>(reader.integer("MaxResults", {5, max_page}).value_or(max_page));
  const auto next_token = reader.string("NextToken", {});
  if (auto error = call.violations.error()) {
    return std::move(*error);
  }
  if (!old_form.empty() && !new_form.empty()) {
    return AwsError{"ValidationException",
                    "InstanceInformationFilterList and Filters can not be used together.", 400,
                    MessageMember::lower_case};
  }
  for (const Filter& filter : filters) {
    if (auto error = check(filter)) {
      return std::move(*error);
    }
  }
  const std::string query = query_text(filters);
  std::size_t position = 0;
  if (next_token) {
    const auto read = detail::read_page_token(state_.paging_key, query, *next_token);
    if (!read) {
      return modelled_error("InvalidNextToken", "The specified token is not valid.");
    }
    position = static_cast<std::size_t>(*read);
  }

  JsonWriter json;
  json.begin_object().key("InstanceInformationList").begin_array();
  const auto& all = state_.instances.all();
  const auto selected = [&filters](const ManagedInstance& instance) {
    return std::all_of(filters.begin(), filters.end(),
                       [&](const Filter& filter) { return matches(instance, filter); });
  };
  std::size_t written = 0;
  std::optional<std::size_t> next;
  for (; position < all.size() && !next; ++position) {
    if (!selected(all[position])) {
      continue;
    }
    if (written == page) {
      next = position;
    } else {
      write(json, all[position]);
      ++written;
    }
  }
  json.end_array();
  if (next) {
    json.key("NextToken").string(detail::make_page_token(state_.paging_key, query, *next));
  }
  json.end_object();
  return json.take();
}

}  // namespace ssm::service
