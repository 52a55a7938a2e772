#include "vector_file.hpp"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace ssm::golden {

std::vector<Vector> load_vectors(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot open " + path);
  }
  std::vector<Vector> vectors;
  Vector current;
  std::size_t number = 0;
  const auto finish = [&] {
    if (!current.values.empty()) {
      vectors.push_back(std::exchange(current, {}));
    }
  };
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.starts_with('#')) {
      continue;
    }
    if (line.empty()) {
      finish();
      continue;
    }
    const std::size_t separator = line.find(" = ");
    if (separator == std::string::npos) {
      throw std::runtime_error(path + ":" + std::to_string(number) + ": expected `key = value`");
    }
    if (current.values.empty()) {
      current.line = number;
    }
    if (!current.values.emplace(line.substr(0, separator), line.substr(separator + 3)).second) {
      throw std::runtime_error(path + ":" + std::to_string(number) + ": key occurs twice");
    }
  }
  finish();
  return vectors;
}

std::vector<std::byte> from_hex(const std::string& text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    std::uint8_t value = 0;
    const char* const end = text.data() + i + 2;
    if (i + 2 > text.size() || std::from_chars(text.data() + i, end, value, 16).ptr != end) {
      throw std::runtime_error("not hex at character " + std::to_string(i));
    }
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

}  // namespace ssm::golden
