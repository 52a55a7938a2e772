#pragma once

#include <deque>
#include <optional>
#include <utility>

namespace ssm::protocol {

/// What a role has to say and its driver has not taken yet, oldest first.
template <class T>
class PollQueue {
 public:
  template <class Value>
  void push(Value&& value) {
    queue_.emplace_back(std::forward<Value>(value));
  }

  [[nodiscard]] std::optional<T> poll() {
    if (queue_.empty()) {
      return std::nullopt;
    }
    std::optional<T> front(std::move(queue_.front()));
    queue_.pop_front();
    return front;
  }

 private:
  std::deque<T> queue_;
};

}  // namespace ssm::protocol
