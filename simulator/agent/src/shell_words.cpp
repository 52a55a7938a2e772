#include <optional>
#include <utility>

#include "ssm/agent/session_plan.hpp"

namespace ssm::agent {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

//= CMD-002
boost::system::result<std::vector<std::string>, std::string> split_command(std::string_view text) {
  enum class State { between, word, escape, single, twice, twice_escape, comment };
  std::vector<std::string> words;
  std::string word;
  State state = State::between;
  for (const char c : text) {
    switch (state) {
      case State::between:
        if (is_space(c)) {
          break;
        }
        if (c == '#') {
          state = State::comment;
          break;
        }
        state = State::word;
        [[fallthrough]];
      case State::word:
        if (is_space(c)) {
          words.push_back(std::exchange(word, {}));
          state = State::between;
        } else if (c == '\\') {
          state = State::escape;
        } else if (c == '\'') {
          state = State::single;
        } else if (c == '"') {
          state = State::twice;
        } else {
          word += c;
        }
        break;
      case State::escape:
        word += c;
        state = State::word;
        break;
      case State::single:
        if (c == '\'') {
          state = State::word;
        } else {
          word += c;
        }
        break;
      case State::twice:
        if (c == '"') {
          state = State::word;
        } else if (c == '\\') {
          state = State::twice_escape;
        } else {
          word += c;
        }
        break;
      case State::twice_escape:
        word += c;
        state = State::twice;
        break;
      case State::comment:
        if (c == '\n') {
          state = State::between;
        }
        break;
    }
  }
  switch (state) {
    case State::escape:
    case State::twice_escape:
      return std::string("EOF found after escape character");
    case State::single:
    case State::twice:
      return std::string("EOF found when expecting closing quote");
    case State::word:
      words.push_back(std::move(word));
      break;
    case State::between:
    case State::comment:
      break;
  }
  return words;
}

}  // namespace ssm::agent
