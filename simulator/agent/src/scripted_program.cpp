#include "ssm/agent/scripted_program.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/exit_code.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::Result;

namespace {

constexpr std::size_t held_output_limit_bytes = std::size_t{64} * 1024;
constexpr std::size_t held_lines_limit = 1000;
/// Of a terminal in canonical mode; more of a line is dropped.
constexpr std::size_t max_line_bytes = 4095;
constexpr int unknown_command_code = 127;

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

/// An answer with its expression compiled.
struct Rule {
  ShellScript::Answer answer;
  std::unique_ptr<RE2> expression;

  /// What it says to the line, if it fits.
  [[nodiscard]] std::optional<std::string> fit(std::string_view line) const {
    if (!expression) {
      return line == answer.when ? std::optional(answer.say) : std::nullopt;
    }
    constexpr int max_groups = 10;
    std::array<re2::StringPiece, max_groups> groups;
    const int count = std::min(max_groups, expression->NumberOfCapturingGroups() + 1);
    const re2::StringPiece piece(line.data(), line.size());
    std::string said;
    if (!expression->Match(piece, 0, line.size(), RE2::ANCHOR_BOTH, groups.data(), count) ||
        !expression->Rewrite(&said, answer.say, groups.data(), count)) {
      return std::nullopt;
    }
    return said;
  }
};

class ScriptedProgram final : public SessionProgram {
 public:
  ScriptedProgram(EventLoop& loop, ScriptedProgramOptions options)
      : options_(std::move(options)), timer_(loop), first_output_timer_(loop) {
    for (ShellScript::Answer& answer : options_.script.answers) {
      auto expression = answer.is_regex ? std::make_unique<RE2>(answer.when, RE2::Quiet) : nullptr;
      SSM_ASSERT(!expression || expression->ok());
      rules_.push_back({std::move(answer), std::move(expression)});
    }
  }

  Result<> start(const protocol::AgentConnected& /*connected*/,
                 std::function<void()> changed) override {
    changed_ = std::move(changed);
    if (options_.first_output_wait > net::Duration::zero()) {
      waits_ = true;
      first_output_timer_.arm(EventLoop::now() + options_.first_output_wait, [this] {
        waits_ = false;
        changed_();
      });
    }
    if (options_.command) {
      lines_.push_back(*options_.command);
    } else {
      print(options_.script.greeting);
      print(options_.script.prompt);
    }
    answer_next();
    return {};
  }

  void receive(protocol::PayloadType type, const protocol::FrameSlice& data) override {
    if (type != protocol::PayloadType::output || ended_ || options_.command) {
      return;
    }
    for (const std::byte byte : data.bytes()) {
      type_in(static_cast<char>(byte));
    }
    answer_next();
    changed_();
  }

  bool takes_input() const override {
    return output_.size() < held_output_limit_bytes && lines_.size() < held_lines_limit;
  }
  std::uint64_t input_progress() const override { return sent_bytes_; }

  std::optional<ProgramOutput> poll_output(protocol::Instant /*now*/) override {
    if (waits_ || (output_.empty() && !exit_code_due_)) {
      return std::nullopt;
    }
    if (output_.empty()) {
      const std::string text = protocol::serialize_exit_code(*ended_);
      exit_code_due_ = false;
      polled_.assign(protocol::as_bytes(text).begin(), protocol::as_bytes(text).end());
      return ProgramOutput{.type = protocol::PayloadType::exit_code, .data = polled_};
    }
    const Bytes all = protocol::as_bytes(output_);
    std::size_t count = std::min(all.size(), options_.chunk_bytes);
    // Not within a character (SHELL-013), unless these are none.
    std::size_t cut = count;
    while (cut < all.size() && count - cut < 3 && cut > 1 &&
           (static_cast<unsigned>(all[cut]) & 0xC0U) == 0x80U) {
      --cut;
    }
    count = cut;
    polled_.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
    output_.erase(0, count);
    sent_bytes_ += count;
    return ProgramOutput{.type = protocol::PayloadType::output, .data = polled_};
  }

  void stop() override {
    stopped_ = true;
    timer_.cancel();
    first_output_timer_.cancel();
    output_.clear();
    lines_.clear();
  }

  std::optional<ProgramEnd> ended() const override {
    if (stopped_) {
      return ProgramEnd{.kind = ProgramEnd::Kind::cancelled};
    }
    return ended_ && output_.empty() && !exit_code_due_ ? std::optional(ProgramEnd{})
                                                        : std::nullopt;
  }

 private:
  // ---- the terminal

  void type_in(char c) {
    constexpr char backspace = 0x08;
    constexpr char erase = 0x7F;
    constexpr char kill_line = 0x15;
    constexpr char interrupt = 0x03;
    constexpr char end_of_file = 0x04;
    if (c == '\n' && std::exchange(after_return_, false)) {
      return;  // of CR LF
    }
    after_return_ = c == '\r';
    if (c == '\r' || c == '\n') {
      echo("\r\n");
      lines_.push_back(std::exchange(line_, {}));
    } else if (c == backspace || c == erase) {
      if (!line_.empty()) {
        drop_character();
        echo("\b \b");
      }
    } else if (c == kill_line) {
      for (; !line_.empty(); drop_character()) {
        echo("\b \b");
      }
    } else if (c == interrupt) {
      line_.clear();
      lines_.clear();
      timer_.cancel();
      answering_ = false;
      echo("^C\r\n");
      print(options_.script.prompt);
    } else if (c == end_of_file) {
      if (line_.empty() && lines_.empty() && !answering_) {
        end(0);
      }
    } else if (line_.size() < max_line_bytes) {
      line_ += c;
      echo({&c, 1});
    }
  }

  void drop_character() {
    while (line_.size() > 1 && (static_cast<unsigned char>(line_.back()) & 0xC0U) == 0x80U) {
      line_.pop_back();
    }
    line_.pop_back();
  }

  void echo(std::string_view text) {
    if (options_.script.echo) {
      output_ += text;
    }
  }

  void print(std::string_view text) {
    for (const char c : text) {
      if (c == '\n' && (!options_.command || options_.terminal)) {
        output_ += '\r';
      }
      output_ += c;
    }
  }

  // ---- answers

  void answer_next() {
    while (!answering_ && !ended_ && !lines_.empty()) {
      const std::string line(trim(lines_.front()));
      lines_.pop_front();
      const auto answer = find_answer(line);
      const std::string& said = answer.first;
      const Rule* const rule = answer.second;
      const auto delay = rule == nullptr ? std::chrono::milliseconds(0) : rule->answer.delay;
      const std::optional<int> code = rule == nullptr ? std::nullopt : rule->answer.exit;
      const bool unknown = rule == nullptr && !line.empty();
      if (delay == std::chrono::milliseconds(0)) {
        give(said, code, unknown);
        continue;
      }
      answering_ = true;
      timer_.arm(EventLoop::now() + delay, [this, text = said, code, unknown] {
        answering_ = false;
        give(text, code, unknown);
        answer_next();
        changed_();
      });
    }
  }

  [[nodiscard]] std::pair<std::string, const Rule*> find_answer(const std::string& line) const {
    for (const Rule& rule : rules_) {
      if (auto said = rule.fit(line)) {
        return {std::move(*said), &rule};
      }
    }
    if (line.empty()) {
      return {{}, nullptr};
    }
    return {"sh: " + line.substr(0, line.find_first_of(" \t")) + ": command not found\n", nullptr};
  }

  void give(const std::string& said, std::optional<int> code, bool unknown) {
    print(said);
    if (code) {
      end(*code);
    } else if (options_.command) {
      end(unknown ? unknown_command_code : 0);
    } else {
      print(options_.script.prompt);
    }
  }

  void end(int code) {
    ended_ = code;
    exit_code_due_ = options_.exit_code;
    lines_.clear();
  }

  ScriptedProgramOptions options_;
  net::Timer timer_;
  net::Timer first_output_timer_;
  std::function<void()> changed_;
  std::vector<Rule> rules_;
  std::string line_;
  std::deque<std::string> lines_;  ///< typed and not answered
  std::string output_;
  std::vector<std::byte> polled_;
  std::uint64_t sent_bytes_ = 0;
  bool after_return_ = false;
  bool answering_ = false;  ///< an answer waits for its time
  bool waits_ = false;
  bool stopped_ = false;
  std::optional<int> ended_;
  bool exit_code_due_ = false;
};

}  // namespace

ShellScript default_shell_script(const std::string& instance_id) {
  const auto exact = [](std::string when, std::string say) {
    return ShellScript::Answer{.when = std::move(when), .say = std::move(say)};
  };
  const auto regex = [](std::string when, std::string say) {
    return ShellScript::Answer{.when = std::move(when), .is_regex = true, .say = std::move(say)};
  };
  ShellScript script;
  script.answers = {exact("whoami", "ssm-user\n"),
                    exact("id", "uid=1001(ssm-user) gid=1001(ssm-user) groups=1001(ssm-user)\n"),
                    exact("hostname", instance_id + "\n"),
                    exact("pwd", "/usr/bin\n"),
                    exact("uname", "Linux\n"),
                    exact("true", ""),
                    regex("echo *(.*)", "\\1\n"),
                    regex("exit(?: +[0-9]+)?", "")};
  script.answers.back().exit = 0;
  return script;
}

std::unique_ptr<SessionProgram> make_scripted_program(EventLoop& loop,
                                                      ScriptedProgramOptions options) {
  return std::make_unique<ScriptedProgram>(loop, std::move(options));
}

}  // namespace ssm::agent
