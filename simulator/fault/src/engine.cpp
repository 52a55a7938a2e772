#include "ssm/fault/engine.hpp"

#include <utility>

#include "ssm/protocol/assert.hpp"

namespace ssm::fault {
namespace {

/// One step of splitmix64: every bit of `value` reaches every bit of the result.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

/// FNV-1a: the same on every machine, unlike std::hash.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325U;
  for (const char character : text) {
    value = (value ^ static_cast<unsigned char>(character)) * 0x100000001B3U;
  }
  return value;
}

/// Uniform in [0, 1), with the 53 bits that a double holds.
double unit_interval(std::uint64_t bits) {
  return static_cast<double>(bits >> 11U) * 0x1.0p-53;
}

/// What the index does not decide.
bool matches(const Match& match, const MessageFacts& facts) {
  return (!match.payload_type || *match.payload_type == facts.payload_type) &&
         (!match.connection || *match.connection == facts.connection_number);
}

bool selects(const Match& match, std::uint64_t count) {
  if (match.nth) {
    return count == *match.nth ||
           (match.every && count > *match.nth && (count - *match.nth) % *match.every == 0);
  }
  return !match.every || count % *match.every == 0;
}

}  // namespace

Engine::Engine(Plan plan) : seed_(plan.seed), rules_(std::move(plan.rules)) {
  name_hashes_.reserve(rules_.size());
  for (std::size_t index = 0; index < rules_.size(); ++index) {
    const Match& match = rules_[index].match;
    SSM_ASSERT(match.nth != 0U && match.every != 0U);
    name_hashes_.push_back(hash(rules_[index].name));
    for (std::size_t direction = 0; direction < direction_count; ++direction) {
      for (std::size_t type = 0; type < message_type_count; ++type) {
        if ((!match.direction || static_cast<std::size_t>(*match.direction) == direction) &&
            (!match.message_type || static_cast<std::size_t>(*match.message_type) == type)) {
          candidates_[direction][type].push_back(index);
        }
      }
    }
  }
}

Decision Engine::decide_with_rules(const MessageFacts& facts) {
  const auto type = static_cast<std::size_t>(facts.message_type);
  SSM_ASSERT(type < message_type_count);
  const auto& candidates = candidates_[static_cast<std::size_t>(facts.direction)][type];
  if (candidates.empty()) {
    return {};
  }
  decision_.clear();
  SessionState& state = session(facts);
  for (const std::size_t index : candidates) {
    if (!state.session_matches[index] || !matches(rules_[index].match, facts)) {
      continue;
    }
    if (fires(index, ++state.counts[index], facts)) {
      decision_.push_back(&rules_[index]);
    }
  }
  fired_ += decision_.size();
  return Decision(decision_);
}

Engine::SessionState& Engine::session(const MessageFacts& facts) {
  const auto [found, added] = sessions_.try_emplace(facts.session_ordinal);
  SessionState& state = found->second;
  if (added) {
    state.counts.resize(rules_.size());
    state.session_matches.reserve(rules_.size());
    for (const Rule& rule : rules_) {
      state.session_matches.push_back(!rule.match.session ||
                                      glob_matches(*rule.match.session, facts.session_id));
    }
  }
  return state;
}

bool Engine::fires(std::size_t index, std::uint64_t count, const MessageFacts& facts) const {
  const Match& match = rules_[index].match;
  if (!selects(match, count)) {
    return false;
  }
  if (!match.probability) {
    return true;
  }
  // The count tells a retransmission from the original, so that a message that met a fault once
  // does not meet it for ever. It is the rule's own: how many acknowledgements travel, which
  // differs from run to run, decides nothing about other messages. The rule's name, not its place,
  // selects the random numbers: removing a rule leaves the others' decisions as they were.
  std::uint64_t bits = mix(seed_);
  for (const std::uint64_t part :
       {name_hashes_[index], facts.session_ordinal, static_cast<std::uint64_t>(facts.direction),
        count, static_cast<std::uint64_t>(facts.sequence_number)}) {
    bits = mix(bits ^ part);
  }
  return unit_interval(bits) < *match.probability;
}

void Engine::forget_session(std::uint64_t session_ordinal) {
  sessions_.erase(session_ordinal);
}

}  // namespace ssm::fault
