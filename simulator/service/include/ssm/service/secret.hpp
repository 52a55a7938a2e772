#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace ssm::service {

/// A token or key. Formatting it gives `***` (streams here, fmt through secret_fmt.hpp); the value
/// comes out only through `reveal()`, so every place that shows it can be found by that name.
/// The memory is overwritten when the value goes. Thread-compatible.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  ~Secret() { wipe(); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  /// Takes a time that depends on the lengths only.
  [[nodiscard]] bool equals(std::string_view candidate) const;

 private:
  void wipe() noexcept;

  std::string value_;
};

std::ostream& operator<<(std::ostream& out, const Secret& secret);

/// Compares in a time that depends on the lengths only.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace ssm::service
