# Everything comes from the system's package manager; nothing is downloaded at configure time.
# scripts/setup installs the list on Debian 12.

find_package(Boost 1.81 CONFIG QUIET COMPONENTS headers json url)
if(NOT Boost_FOUND)
  message(FATAL_ERROR "Boost >= 1.81 with JSON and URL is needed. On Debian 12: "
                      "apt-get install libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev "
                      "(they replace the default 1.74), or run scripts/setup.")
endif()
find_package(OpenSSL 3 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(Threads REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
# Debian's libre2-dev has a pkg-config file only.
find_package(PkgConfig REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
if(SSM_BUILD_TESTS)
  find_package(GTest CONFIG REQUIRED)
endif()
if(SSM_BUILD_BENCH)
  find_package(benchmark CONFIG REQUIRED)
endif()
