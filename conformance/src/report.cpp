#include "ssm/conformance/report.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace ssm::conformance {
namespace {

namespace json = boost::json;

constexpr std::size_t transcript_lines = 20;

bool is_excused(const CaseResult& result, Level weakest_level) {
  return result.requirement->level > weakest_level;
}

double seconds(protocol::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string colored(std::string_view text, const char* code, bool color) {
  return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string mark(const CaseResult& result, const ReportOptions& options) {
  switch (result.outcome.verdict) {
    case Verdict::pass:
      return colored("pass ", "32", options.color);
    case Verdict::fail:
      return is_excused(result, options.weakest_level) ? colored("note ", "33", options.color)
                                                       : colored("FAIL ", "31", options.color);
    case Verdict::skipped:
      return colored("skip ", "33", options.color);
    case Verdict::not_applicable:
      return "n/a  ";
    case Verdict::error:
      break;
  }
  return colored("ERROR", "31", options.color);
}

std::string failure_text(const CaseResult& result, const ReportOptions& options) {
  std::string text = fmt::format("        rule      {} ({}): {}\n", result.requirement->id,
                                 name(result.requirement->level), result.requirement->title);
  if (!result.outcome.sent.empty()) {
    text += fmt::format("        sent      {}\n", result.outcome.sent);
  }
  text += fmt::format("        expected  {}\n", result.definition->expects);
  text += fmt::format("        seen      {}\n", result.outcome.seen);
  const auto& lines = result.outcome.transcript;
  const std::size_t first = lines.size() - std::min(lines.size(), transcript_lines);
  for (std::size_t i = first; i < lines.size(); ++i) {
    text += fmt::format("        {}  {}\n", i == first ? "messages" : "        ", lines[i]);
  }
  return text + fmt::format("        again     {}\n", reproduce_line(result.id, options));
}

json::object case_json(const CaseResult& result, const ReportOptions& options) {
  json::object object;
  object["id"] = result.id;
  object["requirement"] = json::string(result.requirement->id);
  object["level"] = json::string(name(result.requirement->level));
  object["title"] = json::string(result.requirement->title);
  object["verdict"] = json::string(name(result.outcome.verdict));
  object["counts"] =
      result.outcome.verdict != Verdict::fail || !is_excused(result, options.weakest_level);
  object["seconds"] = seconds(result.took);
  object["seen"] = result.outcome.seen;
  if (result.definition != nullptr) {
    object["does"] = json::string(result.definition->does);
    object["expected"] = json::string(result.definition->expects);
    object["sent"] = result.outcome.sent;
    object["messages"] = json::value_from(result.outcome.transcript);
    object["again"] = reproduce_line(result.id, options);
  }
  return object;
}

std::string xml(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return result;
}

std::string junit_case(const CaseResult& result, const ReportOptions& options) {
  std::string text =
      fmt::format(R"(    <testcase classname="conform.client.{}" name="{}" time="{:.3f}")",
                  xml(result.requirement->id), xml(result.id), seconds(result.took));
  const std::string seen = xml(result.outcome.seen);
  switch (result.outcome.verdict) {
    case Verdict::pass:
      return text + "/>\n";
    case Verdict::fail:
      if (!is_excused(result, options.weakest_level)) {
        return text +
               fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n", seen,
                           xml(failure_text(result, options)));
      }
      break;
    case Verdict::error:
      return text + fmt::format(">\n      <error message=\"{}\"/>\n    </testcase>\n", seen);
    case Verdict::skipped:
    case Verdict::not_applicable:
      break;
  }
  return text + fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", seen);
}

}  // namespace

Totals count(std::span<const CaseResult> results, Level weakest_level) {
  Totals totals;
  for (const CaseResult& result : results) {
    switch (result.outcome.verdict) {
      case Verdict::pass:
        ++totals.passed;
        break;
      case Verdict::fail:
        ++(is_excused(result, weakest_level) ? totals.excused : totals.failed);
        break;
      case Verdict::skipped:
        ++totals.skipped;
        break;
      case Verdict::not_applicable:
        ++totals.not_applicable;
        break;
      case Verdict::error:
        ++totals.errors;
        break;
    }
  }
  return totals;
}

std::string text_line(const CaseResult& result, const ReportOptions& options) {
  const Verdict verdict = result.outcome.verdict;
  std::string text = fmt::format(
      "  {} {:<32} {:<6} {}\n", mark(result, options), result.id, name(result.requirement->level),
      verdict == Verdict::pass && result.definition != nullptr
          ? result.outcome.seen
          : (verdict == Verdict::fail ? std::string(result.definition->does)
                                      : result.outcome.seen));
  if (verdict == Verdict::fail) {
    text += failure_text(result, options);
  }
  return text;
}

std::string text_summary(std::span<const CaseResult> results, const ReportOptions& options) {
  const Totals totals = count(results, options.weakest_level);
  std::string text = fmt::format("{} passed, {} failed", totals.passed, totals.failed);
  const auto add = [&](std::size_t number, std::string_view what) {
    if (number > 0) {
      text += fmt::format(", {} {}", number, what);
    }
  };
  add(totals.excused, "failed but excused by their level");
  add(totals.errors, "could not be run");
  add(totals.skipped, "skipped");
  add(totals.not_applicable, "not applicable");
  return text + "\n";
}

std::string json_report(std::span<const CaseResult> results, const ReportOptions& options) {
  const Totals totals = count(results, options.weakest_level);
  json::array cases;
  for (const CaseResult& result : results) {
    cases.push_back(case_json(result, options));
  }
  json::object report;
  report["role"] = "client";
  report["command"] = json::value_from(options.command);
  report["level"] = json::string(name(options.weakest_level));
  report["totals"] = {{"passed", totals.passed},   {"failed", totals.failed},
                      {"excused", totals.excused}, {"errors", totals.errors},
                      {"skipped", totals.skipped}, {"not_applicable", totals.not_applicable}};
  report["cases"] = std::move(cases);
  return json::serialize(report) + "\n";
}

std::string junit_report(std::span<const CaseResult> results, const ReportOptions& options) {
  const Totals totals = count(results, options.weakest_level);
  protocol::Duration took{0};
  std::string cases;
  for (const CaseResult& result : results) {
    took += result.took;
    cases += junit_case(result, options);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "  <testsuite name=\"ssmsim conform client\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "skipped=\"{}\" time=\"{:.3f}\">\n{}  </testsuite>\n</testsuites>\n",
      results.size(), totals.failed, totals.errors,
      totals.skipped + totals.not_applicable + totals.excused, seconds(took), cases);
}

std::string shell_quoted(std::span<const std::string> words) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  std::string text;
  for (const std::string& word : words) {
    text += text.empty() ? "" : " ";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) {
      text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    text += '\'';
  }
  return text;
}

std::string reproduce_line(std::string_view case_id, const ReportOptions& options) {
  return fmt::format("ssmsim conform client --filter {} -- {}", case_id,
                     shell_quoted(options.command));
}

}  // namespace ssm::conformance
