#include "shell_option.hpp"

#include <string_view>
#include <utility>

#include "ssm/config/shell_script.hpp"

namespace ssmsim {
namespace {

constexpr std::string_view scripted = "scripted";

ssm::agent::ShellScript to_script(ssm::config::ShellScript from) {
  ssm::agent::ShellScript script{.greeting = std::move(from.greeting),
                                 .prompt = std::move(from.prompt),
                                 .echo = from.echo,
                                 .answers = {}};
  for (ssm::config::ShellScript::Answer& answer : from.answers) {
    script.answers.push_back({.when = std::move(answer.when),
                              .is_regex = answer.is_regex,
                              .say = std::move(answer.say),
                              .delay = answer.delay,
                              .exit = answer.exit});
  }
  return script;
}

}  // namespace

std::optional<std::string> resolve_shell(const std::string& text, ShellChoice& choice) {
  if (text.empty()) {
    return std::nullopt;
  }
  if (text == scripted) {
    choice.script = ssm::agent::default_shell_script;
    return std::nullopt;
  }
  if (!text.starts_with(std::string(scripted) + ":")) {
    choice.argv = {text};
    return std::nullopt;
  }
  auto loaded = ssm::config::load_shell_script(text.substr(scripted.size() + 1));
  if (!loaded) {
    return loaded.error().to_string();
  }
  choice.script = [script = to_script(std::move(*loaded))](const std::string&) { return script; };
  return std::nullopt;
}

}  // namespace ssmsim
