#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/random.hpp"

/// Seeded damage to payloads. Prints its seed first and, when a test failed, how to run it again
/// last. SSM_SEED chooses another seed.

namespace ssm::test {

class Mutation {
 public:
  /// `pieces` are inserted whole: parts of the syntax that single bytes seldom hit.
  explicit Mutation(std::vector<std::string> pieces)
      : pieces_(std::move(pieces)), seed_(seed_from_environment()), random_(seed_) {
    std::cout << "seed " << seed_ << '\n';
  }
  ~Mutation() {
    if (testing::Test::HasFailure()) {
      const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
      std::cout << "reproduce: SSM_SEED=" << seed_
                << " payload_tests --gtest_filter=" << test->test_suite_name() << '.'
                << test->name() << '\n';
    }
  }
  Mutation(const Mutation&) = delete;
  Mutation& operator=(const Mutation&) = delete;

  /// `text` with one to four changes.
  [[nodiscard]] std::string apply(std::string text) {
    for (std::uint64_t changes = 1 + random_.below(4); changes > 0; --changes) {
      change(text);
    }
    return text;
  }

 private:
  static std::uint64_t seed_from_environment() {
    const char* const text = std::getenv("SSM_SEED");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 20170822 : std::strtoull(text, nullptr, 10);
  }

  [[nodiscard]] std::size_t place(std::size_t size) {
    return static_cast<std::size_t>(random_.below(size + 1));
  }

  void change(std::string& text) {
    const std::size_t at = place(text.size());
    const std::size_t count = std::min(place(8), text.size() - at);
    switch (random_.below(5)) {
      case 0:
        text.insert(at, pieces_[random_.below(pieces_.size())]);
        break;
      case 1:
        text.replace(at, count, pieces_[random_.below(pieces_.size())]);
        break;
      case 2:
        text.erase(at, count);
        break;
      case 3:
        text.insert(place(text.size()), text.substr(at, count));
        break;
      default:
        if (at < text.size()) {
          text[at] = static_cast<char>(random_.below(256));
        }
    }
  }

  std::vector<std::string> pieces_;
  std::uint64_t seed_;
  protocol::Random random_;
};

}  // namespace ssm::test
