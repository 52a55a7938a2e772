#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/conformance/client_run.hpp"

namespace ssm::conformance {

struct ReportOptions {
  /// The command under test, for the line that runs one case again.
  std::vector<std::string> command;
  bool color = false;
  /// Failures of weaker levels are shown but excused.
  Level weakest_level = Level::should;
};

struct Totals {
  std::size_t passed = 0;
  std::size_t failed = 0;   ///< failures that count
  std::size_t excused = 0;  ///< failures of a level that is excused
  std::size_t skipped = 0;
  std::size_t not_applicable = 0;
  std::size_t errors = 0;
};
[[nodiscard]] Totals count(std::span<const CaseResult> results, Level weakest_level);

/// One line for the terminal, with what went wrong below it.
[[nodiscard]] std::string text_line(const CaseResult& result, const ReportOptions& options);
/// The last line.
[[nodiscard]] std::string text_summary(std::span<const CaseResult> results,
                                       const ReportOptions& options);
/// One JSON object and a newline.
[[nodiscard]] std::string json_report(std::span<const CaseResult> results,
                                      const ReportOptions& options);
[[nodiscard]] std::string junit_report(std::span<const CaseResult> results,
                                       const ReportOptions& options);

/// `words` for a POSIX shell.
[[nodiscard]] std::string shell_quoted(std::span<const std::string> words);
/// The command line that runs this case alone.
[[nodiscard]] std::string reproduce_line(std::string_view case_id, const ReportOptions& options);

}  // namespace ssm::conformance
