#include "copy_run.hpp"

#include "command_line.hpp"
#include "exit_code.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <array>
#include <csignal>
#include <random>
#include <utility>

#include "ssm/client/command_application.hpp"
#include "ssm/client/copy_script.hpp"
#include "ssm/client/standard_stream.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace json = boost::json;
using client::CopySessionKind;

constexpr auto redraw_interval = std::chrono::milliseconds(100);

std::string random_word() {
  std::random_device device;
  std::string word = "ssmcp";
  for (int i = 0; i < 4; ++i) {
    word += fmt::format("{:08x}", device());
  }
  return word;
}

/// No other kind of session would be answered otherwise.
bool is_about_every_session(const client::ApiError& error) {
  return error.kind != client::ApiError::Kind::refused || error.code == "TargetNotConnected" ||
         error.code == "UnrecognizedClientException" || error.code == "InvalidSignatureException" ||
         error.code == "MissingAuthenticationTokenException" ||
         error.code == "ExpiredTokenException";
}

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1
             ? static_cast<std::size_t>(size.ws_col - 1)
             : 79;
}

std::string_view document_of(CopySessionKind kind) {
  switch (kind) {
    case CopySessionKind::command:
      return "AWS-StartNonInteractiveCommand";
    case CopySessionKind::port:
      return "AWS-StartSSHSession";
    case CopySessionKind::terminal:
    case CopySessionKind::encoded_terminal:
      break;
  }
  return "AWS-StartInteractiveCommand";
}

}  // namespace

CopyRun::CopyRun(const CopyArguments& arguments, ConnectPlan plan)
    : arguments_(arguments),
      plan_(std::move(plan)),
      api_(make_connect_api(loop_, plan_)),
      mark_(random_word()),
      draws_(!arguments.quiet && isatty(STDERR_FILENO) == 1),
      begun_(std::chrono::steady_clock::now()),
      drawn_(begun_) {}

CopyOpening CopyRun::open(CopySessionKind kind, const std::vector<std::string>& command) {
  client::StartSessionRequest request = plan_.request;
  request.document_name = document_of(kind);
  if (kind == CopySessionKind::port) {
    request.parameters["portNumber"] = command;
  } else if (kind == CopySessionKind::encoded_terminal) {
    request.parameters["command"] = {client::in_terminal(mark_, command)};
  } else {
    request.parameters["command"] = {client::quote_for_shell(command)};
  }
  if (kind == CopySessionKind::command) {
    request.parameters["separateOutputStream"] = {"true"};
  }
  auto access = start_session(loop_, api_, request);
  CopyOpening opening;
  if (!access) {
    opening.may_try_another = !is_about_every_session(access.error());
    opening.problem = fmt::format("StartSession for {} with {} failed: {}", plan_.request.target,
                                  request.document_name, access.error().to_string());
    if (!opening.may_try_another) {
      clear_line();
      problems_.push_back(report_start_failure(plan_, access.error()));
      opening.problem.clear();  // it is told, with what to do about it
    }
    return opening;
  }
  opening.session = std::make_unique<client::CopySession>(
      loop_, api_, *plan_.profile, *std::move(access),
      client::CopySession::Options{
          .kind = kind, .mark = mark_, .note = [this](std::string_view text) { note(text); }});
  if (!opening.session->wait_until_started()) {
    const auto& outcome = opening.session->outcome();
    opening.problem =
        outcome ? describe_end(*outcome, opening.session->access()) : "the session did not start";
    signal_ = outcome && outcome->end == client::SessionEnd::stopped ? outcome->signal : 0;
    if (opening.problem.empty()) {
      opening.problem = signal_ != 0 ? "interrupted" : "the session ended before it began";
    }
    opening.may_try_another =
        outcome && (outcome->end == client::SessionEnd::channel_closed ||
                    outcome->end == client::SessionEnd::unsupported_session_type);
    opening.session->close();
    opening.session.reset();
  }
  return opening;
}

CopyOpening CopyRun::open_port(std::uint64_t port) {
  return open(CopySessionKind::port, {std::to_string(port)});
}

void CopyRun::add_problem(std::string text) {
  clear_line();
  print_error(text);
  problems_.push_back(std::move(text));
}

void CopyRun::fail_session(const std::string& what, const client::CopySession* session) {
  lost_ = true;
  if (what.empty()) {
    return;
  }
  std::string text = what;
  if (session != nullptr && session->outcome()) {
    if (session->outcome()->end == client::SessionEnd::stopped) {
      signal_ = session->outcome()->signal;
      text += ": interrupted";
    } else if (const auto why = describe_end(*session->outcome(), session->access());
               !why.empty()) {
      text += ": " + why;
    } else {
      text += ": the session ended too early";
    }
  } else if (session != nullptr && session->timed_out()) {
    text += ": the target does not answer";
  }
  if (session != nullptr && !session->noise().empty()) {
    text += "; the target said: " + client::printable(session->noise(), 300);
  }
  add_problem(text);
}

void CopyRun::chose(std::string_view via, std::string_view why) {
  via_ = via;
  if (arguments_.verbose) {
    clear_line();
    print_note(fmt::format("copying by a {} session{}{}", via, why.empty() ? "" : ": ", why));
  }
}

void CopyRun::note(std::string_view text) {
  if (!arguments_.quiet) {
    clear_line();
    print_note(text);
  }
}

void CopyRun::add_bytes(std::uint64_t count, bool resumed) {
  done_ += count;
  resumed_ += resumed ? count : 0;
  if (draws_ && std::chrono::steady_clock::now() - drawn_ >= redraw_interval) {
    draw(false);
  }
}

void CopyRun::draw(bool last) {
  drawn_ = std::chrono::steady_clock::now();
  const std::string line =
      client::progress_line({.name = name_,
                             .done = done_,
                             .total = total_,
                             .seconds = std::chrono::duration<double>(drawn_ - begun_).count(),
                             .resumed = resumed_},
                            terminal_columns());
  client::write_all(STDERR_FILENO, "\r" + line + "\x1b[K" + (last ? "\r\n" : ""));
  line_drawn_ = !last;
}

void CopyRun::clear_line() {
  if (std::exchange(line_drawn_, false)) {
    client::write_all(STDERR_FILENO, "\r\x1b[K");
  }
}

int CopyRun::finish() {
  const int status = lost_ ? exit_infrastructure : problems_.empty() ? exit_ok : exit_findings;
  if (draws_ && files_ > 0) {
    draw(true);
  }
  if (arguments_.json) {
    json::array errors;
    for (const std::string& problem : problems_) {
      errors.emplace_back(problem);
    }
    const json::object summary{
        {"status", status},
        {"via", via_},
        {"files", files_},
        {"bytes", done_},
        {"resumed_bytes", resumed_},
        {"seconds",
         std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count()},
        {"errors", errors}};
    client::write_all(STDOUT_FILENO, json::serialize(summary) + "\n");
  }
  if (signal_ != 0) {
    std::signal(signal_, SIG_DFL);
    raise(signal_);
  }
  return status;
}

}  // namespace ssmsim
