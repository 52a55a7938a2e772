#include "ssm/config/shell_script.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <utility>

#include "ssm/config/document.hpp"
#include "ssm/schema/v1/shell_script.pb.h"

namespace ssm::config {
namespace {

constexpr std::string_view default_prompt = "sh-5.2$ ";

/// What is wrong with the expression or with the references to its groups in `say`, if anything.
std::string regex_problem(const ShellScript::Answer& answer, bool& in_say) {
  const RE2 expression(answer.when, RE2::Quiet);
  in_say = false;
  if (!expression.ok()) {
    return expression.error();
  }
  std::string error;
  in_say = !expression.CheckRewriteString(answer.say, &error);
  return error;
}

}  // namespace

Loaded<ShellScript> parse_shell_script(std::string_view text, std::string_view file) {
  schema::v1::ShellScript message;
  const Loaded<Positions> positions = load_document(text, file, message);
  if (!positions) {
    return positions.error();
  }
  ShellScript script{
      .greeting = message.greeting(),
      .prompt = message.has_prompt() ? message.prompt() : std::string(default_prompt),
      .echo = !message.has_echo() || message.echo(),
      .answers = {}};
  Problems problems;
  const auto add = [&](const std::string& path, std::string expected, std::string seen) {
    const auto found = positions->find(path);
    problems.list.push_back({std::string(file),
                             found == positions->end() ? Position{1, 1} : found->second, path,
                             std::move(expected), std::move(seen)});
  };
  for (int i = 0; i < message.answers_size(); ++i) {
    const auto& from = message.answers(i);
    const std::string path = fmt::format("answers[{}]", i);
    if (from.when().empty() == from.when_regex().empty()) {
      add(path, "either when or when_regex", from.when().empty() ? "none of them" : "both");
      continue;
    }
    ShellScript::Answer answer{
        .when = from.when().empty() ? from.when_regex() : from.when(),
        .is_regex = from.when().empty(),
        .say = from.say(),
        .delay = std::chrono::milliseconds(from.delay_ms()),
        .exit = from.has_exit() ? std::optional(static_cast<int>(from.exit())) : std::nullopt};
    bool in_say = false;
    if (const std::string problem = answer.is_regex ? regex_problem(answer, in_say) : "";
        !problem.empty()) {
      add(path + (in_say ? ".say" : ".when_regex"),
          in_say ? "\\0 to \\9 for groups of the expression" : "a regular expression (RE2)",
          problem);
    }
    script.answers.push_back(std::move(answer));
  }
  if (!problems.list.empty()) {
    problems.arrange();
    return problems;
  }
  return script;
}

Loaded<ShellScript> load_shell_script(const std::string& path) {
  const Loaded<std::string> text = read_file(path);
  if (!text) {
    return text.error();
  }
  return parse_shell_script(*text, path);
}

}  // namespace ssm::config
