#include "ssm/config/problem.hpp"

#include <boost/throw_exception.hpp>

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace ssm::config {

std::string Problem::to_string() const {
  std::string text = file;
  if (at.line > 0) {
    text += ':' + std::to_string(at.line) + ':' + std::to_string(at.column);
  }
  text += ": ";
  if (!field.empty()) {
    text += field + ": ";
  }
  text += "expected " + expected;
  if (!seen.empty()) {
    text += ", seen " + seen;
  }
  return text;
}

void Problems::arrange() {
  std::sort(list.begin(), list.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.at, a.field, a.expected) < std::tie(b.at, b.field, b.expected);
  });
  list.resize(std::min(list.size(), max_problems));
}

std::string Problems::to_string() const {
  std::string text;
  for (const Problem& problem : list) {
    text += (text.empty() ? "" : "\n") + problem.to_string();
  }
  return text;
}

void throw_exception_from_error(const Problems& problems, const boost::source_location& location) {
  boost::throw_exception(std::runtime_error(problems.to_string()), location);
}

}  // namespace ssm::config
