#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <type_traits>

namespace ssm::trace {

/// Why a recording cannot be read, or is no longer written.
enum class Errc {
  /// The file does not begin as a recording does.
  not_a_trace = 1,
  /// A newer program wrote it, in a format that this one does not know.
  future_version,
  /// The first record is not the header.
  missing_header,
  /// A record claims to be larger than any may be; where it ends is unknown.
  record_too_large,
  /// A record's checksum or encoding is wrong. Nothing after it is read.
  damaged_record,
  /// The system refused to open, read or write; the context has its words.
  io_failed,
};

[[nodiscard]] const boost::system::error_category& trace_category() noexcept;
[[nodiscard]] boost::system::error_code make_error_code(Errc errc) noexcept;

struct Error {
  boost::system::error_code code;
  std::uint64_t offset = 0;  ///< in the file, of the record concerned
  std::string context;       ///< expected and seen

  /// One line.
  [[nodiscard]] std::string to_string() const;
};

/// Used by Boost.System when `value()` is called on a failed result: only tests and `main` do.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& location);

template <class T = void>
using Result = boost::system::result<T, Error>;

}  // namespace ssm::trace

template <>
struct boost::system::is_error_code_enum<ssm::trace::Errc> : std::true_type {};
