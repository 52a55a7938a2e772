#pragma once

#include "connect_shared.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/client/copy_plan.hpp"
#include "ssm/client/copy_session.hpp"

namespace ssmsim {

enum class CopyVia : std::uint8_t { automatic, shell, command, port };

struct CopyArguments {
  ConnectArguments common;
  std::vector<std::string> places;
  CopyVia via = CopyVia::automatic;
  bool recursive = false;
  bool preserve = false;
  bool resume = false;
  bool json = false;
  bool verbose = false;
  bool quiet = false;
};

/// How long the end of a session is waited for when all is copied; old agents leave it to the
/// client.
constexpr auto farewell_limit = std::chrono::milliseconds(500);

/// A session for a copy, or why there is none.
struct CopyOpening {
  std::unique_ptr<ssm::client::CopySession> session;
  /// The target does not allow this kind of session; another kind may work.
  bool may_try_another = false;
  std::string problem;
};

/// One `connect cp`: what both directions need. Everything runs in sequence.
class CopyRun {
 public:
  CopyRun(const CopyArguments& arguments, ConnectPlan plan);
  CopyRun(const CopyRun&) = delete;
  CopyRun& operator=(const CopyRun&) = delete;

  [[nodiscard]] const CopyArguments& arguments() const { return arguments_; }
  [[nodiscard]] const std::string& mark() const { return mark_; }

  [[nodiscard]] CopyOpening open(ssm::client::CopySessionKind kind,
                                 const std::vector<std::string>& command);
  [[nodiscard]] CopyOpening open_port(std::uint64_t port);

  /// One thing was not copied; the others go on.
  void add_problem(std::string text);
  /// Nothing more can be copied. Nothing is written for an empty text: it was told.
  void fail_session(const std::string& what, const ssm::client::CopySession* session);
  void fail_session(const std::string& what) { fail_session(what, nullptr); }
  [[nodiscard]] bool is_lost() const { return lost_; }
  void chose(std::string_view via, std::string_view why);
  void note(std::string_view text);

  void set_total(std::uint64_t bytes) { total_ += bytes; }
  void begin_file(std::string_view name) { name_ = name; }
  /// `resumed`: they were there already.
  void add_bytes(std::uint64_t count, bool resumed);
  void file_done() { ++files_; }

  /// Writes the summary; returns the exit code.
  int finish();

 private:
  void draw(bool last);
  void clear_line();

  const CopyArguments& arguments_;
  ConnectPlan plan_;
  ssm::net::EventLoop loop_;
  ssm::client::ApiClient api_;
  std::string mark_;
  std::string via_;
  std::vector<std::string> problems_;
  bool lost_ = false;
  int signal_ = 0;
  bool draws_ = false;
  bool line_drawn_ = false;
  std::string name_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t resumed_ = 0;
  std::uint64_t files_ = 0;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point drawn_;
};

/// From the target to `destination`, on this side.
void copy_down(CopyRun& run, const std::vector<ssm::client::CopyPlace>& sources,
               const std::string& destination);
/// From this side to `destination`, on the target.
void copy_up(CopyRun& run, const std::vector<ssm::client::CopyPlace>& sources,
             const std::string& destination);

}  // namespace ssmsim
