#include "ssm/trace/error.hpp"

#include <boost/throw_exception.hpp>

#include <stdexcept>

namespace ssm::trace {
namespace {

// Boost's base class has a protected, non-virtual destructor on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

class Category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "ssm.trace"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::not_a_trace:
        return "not a recording";
      case Errc::future_version:
        return "recorded in a newer format";
      case Errc::missing_header:
        return "the recording has no header";
      case Errc::record_too_large:
        return "a record claims an impossible size";
      case Errc::damaged_record:
        return "a record is damaged";
      case Errc::io_failed:
        return "input or output failed";
    }
    return "unknown error";
  }
};

#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& trace_category() noexcept {
  static const Category category;
  return category;
}

boost::system::error_code make_error_code(Errc errc) noexcept {
  return {static_cast<int>(errc), trace_category()};
}

std::string Error::to_string() const {
  std::string text = code.message() + " (byte " + std::to_string(offset) + ")";
  return context.empty() ? text : text + ": " + context;
}

void throw_exception_from_error(const Error& error, const boost::source_location& location) {
  boost::throw_exception(std::runtime_error(error.to_string()), location);
}

}  // namespace ssm::trace
