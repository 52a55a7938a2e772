#include "version.hpp"

#include "commit.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <boost/version.hpp>

#include <string_view>

namespace ssmsim {
namespace {

std::string_view compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace

std::string version_text() {
  constexpr std::string_view commit = SSMSIM_COMMIT;
  return fmt::format(
      "ssmsim {} ({})\ncompiler: {}\nBoost: {}.{}.{}\nOpenSSL: {}", SSMSIM_VERSION,
      commit.empty() ? std::string("commit unknown") : fmt::format("commit {}", commit), compiler(),
      BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
      OpenSSL_version(OPENSSL_VERSION_STRING));
}

}  // namespace ssmsim
