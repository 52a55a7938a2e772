#pragma once

#include <cstdio>
#include <cstdlib>

/// Checks for our own mistakes, in every build type. Never used on a peer's input: that gets an
/// `Error`. A failure prints the place and aborts, so that a fuzzer, a test and a user all see it.
#define SSM_ASSERT(condition)                                                              \
  do {                                                                                     \
    if (!(condition)) [[unlikely]] {                                                       \
      std::fprintf(stderr, "%s:%d: internal error: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)
