#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "ssm/fault/plan.hpp"

namespace ssm::fault::detail {

/// What a random number is for: two of them for the same message have nothing in common.
enum class Purpose : std::uint64_t { probability = 1, delay = 2, session = 3 };

/// FNV-1a: the same on every machine, unlike std::hash.
[[nodiscard]] std::uint64_t hash(std::string_view text);

/// 64 random bits, always the same for the same parts in the same order.
[[nodiscard]] std::uint64_t draw_bits(std::uint64_t seed,
                                      std::initializer_list<std::uint64_t> parts);

/// Uniform in [0, 1), with the 53 bits that a double holds.
[[nodiscard]] double unit_interval(std::uint64_t bits);

[[nodiscard]] Duration draw_delay(const Delay& delay, std::uint64_t bits);

}  // namespace ssm::fault::detail
