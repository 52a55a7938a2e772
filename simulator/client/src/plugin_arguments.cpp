#include "ssm/client/plugin_arguments.hpp"

#include "ssm/protocol/profile.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace ssm::client {
namespace {

namespace json = boost::json;

constexpr std::string_view variable_prefix = "AWS_SSM_START_SESSION_RESPONSE";
constexpr std::size_t legacy_argument_count = 4;

PluginReply cannot_start(std::string_view reason) {
  return {fmt::format("Cannot perform start session: {}\n", reason), 1};
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

/// Letter case does not matter, as in Go: ECS answers `sessionId`. The exact spelling wins.
const json::value* find_member(const json::object& object, std::string_view name) {
  if (const json::value* exact = object.if_contains(name)) {
    return exact;
  }
  const auto found = std::find_if(object.begin(), object.end(), [&](const auto& member) {
    return equals_ignoring_case(member.key(), name);
  });
  return found == object.end() ? nullptr : &found->value();
}

std::variant<SessionAccess, PluginReply> parse_response(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    return cannot_start(fmt::format(
        "the response of StartSession is not a JSON object (expected SessionId, TokenValue and "
        "StreamUrl){}",
        error ? fmt::format(": {}", error.message()) : std::string()));
  }
  SessionAccess access;
  const std::pair<std::string_view, std::string*> members[] = {{"SessionId", &access.session_id},
                                                               {"TokenValue", &access.token},
                                                               {"StreamUrl", &access.stream_url}};
  for (const auto& [name, destination] : members) {
    const json::value* member = find_member(value.get_object(), name);
    const json::string* content = member == nullptr ? nullptr : member->if_string();
    if (content == nullptr || content->empty()) {
      return cannot_start(
          fmt::format("the response of StartSession lacks the text member {}", name));
    }
    destination->assign(content->data(), content->size());
  }
  return access;
}

std::string target_of(std::string_view request) {
  boost::system::error_code error;
  const json::value value = json::parse(request, error);
  const json::value* target =
      error || !value.is_object() ? nullptr : value.get_object().if_contains("Target");
  const json::string* text = target == nullptr ? nullptr : target->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::optional<PluginReply> reply_without_session(std::span<const std::string> arguments) {
  if (arguments.size() <= 1) {
    return PluginReply{
        "\nThe Session Manager plugin was installed successfully. "
        "Use the AWS CLI to start a session.\n\n"};
  }
  if (arguments.size() == 2 && arguments[1] == "--version") {
    return PluginReply{plugin_version() + "\n"};
  }
  if (arguments.size() < legacy_argument_count) {
    return PluginReply{
        fmt::format("\nUnknown operation {}. \nUse session-manager-plugin --version to check the "
                    "version.\n\n",
                    arguments[1])};
  }
  return std::nullopt;
}

}  // namespace

std::string plugin_version() {
  return std::string(protocol::find_client_profile("strict")->version);
}

std::variant<PluginArguments, PluginReply> parse_plugin_arguments(
    std::span<const std::string> arguments,
    const std::function<std::optional<std::string>(const std::string& name)>& take_variable) {
  if (auto reply = reply_without_session(arguments)) {
    return *std::move(reply);
  }
  std::string response = arguments[1];
  if (response.starts_with(variable_prefix)) {
    std::optional<std::string> value = take_variable(response);
    if (!value) {
      return cannot_start(fmt::format(
          "the environment variable {} is not set; the AWS CLI puts the response of StartSession "
          "there",
          response));
    }
    response = *std::move(value);
  }
  const auto argument = [&](std::size_t index) {
    return index < arguments.size() ? arguments[index] : std::string();
  };
  if (argument(3) != "StartSession") {
    return PluginReply{"Invalid Operation"};
  }
  auto session = parse_response(response);
  if (auto* reply = std::get_if<PluginReply>(&session)) {
    return std::move(*reply);
  }
  return PluginArguments{.session = std::get<SessionAccess>(std::move(session)),
                         .region = argument(2),
                         .profile = argument(4),
                         .target = target_of(argument(5)),
                         .endpoint = argument(6),
                         .cli_upgrade_needed = arguments.size() == legacy_argument_count};
}

}  // namespace ssm::client
