#include "ssm/fault/engine.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "detail/draw.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/assert.hpp"

namespace ssm::fault {
namespace {

using protocol::MessageType;

constexpr std::size_t no_counter = static_cast<std::size_t>(-1);

bool is_stream_data(MessageType type) {
  return type == MessageType::input_stream_data || type == MessageType::output_stream_data;
}

/// Whether messages of this direction and type can match at all.
bool may_match(const Match& match, Direction direction, MessageType type) {
  return !match.at && (!match.direction || *match.direction == direction) &&
         (!match.message_type || *match.message_type == type) &&
         (!match.sequence || is_stream_data(type)) &&
         (!match.acknowledged || type == MessageType::acknowledge);
}

/// The number that a match names, if it is one only.
std::optional<std::int64_t> single_number(const Match& match) {
  const std::optional<Range>& range = match.sequence ? match.sequence : match.acknowledged;
  return range && range->first == range->last ? std::optional(range->first) : std::nullopt;
}

/// What tells a message from others of its direction and type; nothing where each counts.
std::optional<std::int64_t> identity(const MessageFacts& facts) {
  if (is_stream_data(facts.message_type)) {
    return facts.sequence_number;
  }
  return facts.message_type == MessageType::acknowledge ? facts.acknowledged : std::nullopt;
}

/// What the index does not decide.
bool matches(const Match& match, const MessageFacts& facts, std::uint64_t copy) {
  return (!match.payload_type || *match.payload_type == facts.payload_type) &&
         (!match.connection || *match.connection == facts.connection_number) &&
         (!match.copy || *match.copy == copy) &&
         (!match.sequence || match.sequence->contains(facts.sequence_number)) &&
         (!match.acknowledged ||
          (facts.acknowledged && match.acknowledged->contains(*facts.acknowledged)));
}

bool selects(const Match& match, std::uint64_t count) {
  if (match.nth) {
    return count == *match.nth ||
           (match.every && count > *match.nth && (count - *match.nth) % *match.every == 0);
  }
  return !match.every || count % *match.every == 0;
}

/// What the action draws from, if anything.
std::optional<Delay> drawn_from(const Action& action) {
  if (const auto* delay = std::get_if<Delay>(&action)) {
    return *delay;
  }
  const auto* duplicate = std::get_if<Duplicate>(&action);
  return duplicate != nullptr ? duplicate->after : std::nullopt;
}

void check(const Rule& rule) {
  const Match& match = rule.match;
  SSM_ASSERT(match.nth != 0U && match.every != 0U && match.copy != 0U);
  SSM_ASSERT(!match.sequence || match.sequence->first <= match.sequence->last);
  SSM_ASSERT(!match.acknowledged || match.acknowledged->first <= match.acknowledged->last);
  SSM_ASSERT(!match.at || !is_message_action(rule.action));
}

}  // namespace

Engine::Engine(Plan plan) : plan_(std::move(plan)) {
  std::size_t counters = 0;
  for (std::size_t index = 0; index < plan_.rules.size(); ++index) {
    const Match& match = plan_.rules[index].match;
    check(plan_.rules[index]);
    name_hashes_.push_back(detail::hash(plan_.rules[index].name));
    counters_.push_back(match.nth || match.every ? counters++ : no_counter);
    for (std::size_t direction = 0; direction < direction_count; ++direction) {
      for (std::size_t type = 0; type < message_type_count; ++type) {
        if (!may_match(match, static_cast<Direction>(direction), static_cast<MessageType>(type))) {
          continue;
        }
        Candidates& candidates = candidates_[direction][type];
        if (const auto number = single_number(match)) {
          candidates.numbered.push_back({*number, index});
        } else {
          candidates.any_number.push_back(index);
        }
      }
    }
  }
  for (auto& of_direction : candidates_) {
    for (Candidates& candidates : of_direction) {
      std::sort(candidates.numbered.begin(), candidates.numbered.end(),
                [](const auto& a, const auto& b) {
                  return std::tie(a.number, a.rule) < std::tie(b.number, b.rule);
                });
    }
  }
}

Decision Engine::decide_with_rules(const MessageFacts& facts) {
  const auto type = static_cast<std::size_t>(facts.message_type);
  SSM_ASSERT(type < message_type_count);
  const auto direction = static_cast<std::size_t>(facts.direction);
  const Candidates& candidates = candidates_[direction][type];
  if (candidates.any_number.empty() && candidates.numbered.empty()) {
    return {};
  }
  decision_.clear();
  SessionState& state = session(facts);
  const std::optional<std::int64_t> number = identity(facts);
  CopyCounter& copies = state.copies[direction][type];
  const std::uint64_t copy = number ? copies.count(*number) : copies.count_unnumbered();
  // Both lists are in plan order, and so is what fires.
  auto numbered = candidates.numbered.end();
  if (number) {
    numbered = std::lower_bound(candidates.numbered.begin(), candidates.numbered.end(), *number,
                                [](const auto& entry, std::int64_t n) { return entry.number < n; });
  }
  for (auto any = candidates.any_number.begin();;) {
    const bool has_numbered = numbered != candidates.numbered.end() && numbered->number == number;
    const bool has_any = any != candidates.any_number.end();
    if (has_numbered && (!has_any || numbered->rule < *any)) {
      consider((numbered++)->rule, facts, copy, state);
    } else if (has_any) {
      consider(*any++, facts, copy, state);
    } else {
      break;
    }
  }
  fired_ += decision_.size();
  return {decision_, decision_.empty() ? 0 : copy};
}

void Engine::consider(std::size_t index, const MessageFacts& facts, std::uint64_t copy,
                      SessionState& state) {
  const Rule& rule = plan_.rules[index];
  if (!state.session_matches[index] || !matches(rule.match, facts, copy)) {
    return;
  }
  if (counters_[index] != no_counter && !selects(rule.match, ++state.counts[counters_[index]])) {
    return;
  }
  // The copy tells a retransmission from the original, so that a message that met a fault once does
  // not meet it for ever. The rule's name, not its place, selects the random numbers: removing a
  // rule leaves the others' decisions as they were.
  const auto draw = [&](detail::Purpose purpose) {
    return detail::draw_bits(plan_.seed,
                             {static_cast<std::uint64_t>(purpose), name_hashes_[index],
                              facts.session_ordinal, static_cast<std::uint64_t>(facts.direction),
                              static_cast<std::uint64_t>(facts.message_type),
                              static_cast<std::uint64_t>(identity(facts).value_or(0)), copy});
  };
  if (rule.match.probability &&
      detail::unit_interval(draw(detail::Purpose::probability)) >= *rule.match.probability) {
    return;
  }
  const std::optional<Delay> delay = drawn_from(rule.action);
  decision_.push_back(
      {&rule, delay ? detail::draw_delay(*delay, draw(detail::Purpose::delay)) : Duration(0)});
}

Engine::SessionState& Engine::session(const MessageFacts& facts) {
  const auto [found, added] = sessions_.try_emplace(facts.session_ordinal);
  SessionState& state = found->second;
  if (added) {
    state.counts.resize(static_cast<std::size_t>(
        std::count_if(counters_.begin(), counters_.end(),
                      [](std::size_t counter) { return counter != no_counter; })));
    state.session_matches.reserve(plan_.rules.size());
    for (const Rule& rule : plan_.rules) {
      state.session_matches.push_back(!rule.match.session ||
                                      glob_matches(*rule.match.session, facts.session_id));
    }
  }
  return state;
}

void Engine::forget_session(std::uint64_t session_ordinal) {
  sessions_.erase(session_ordinal);
}

MessageFacts facts_of(const protocol::MessageView& message) {
  MessageFacts facts{.message_type = message.type,
                     .payload_type = message.payload_type(),
                     .sequence_number = message.sequence_number};
  if (message.type == MessageType::acknowledge) {
    if (const auto number = protocol::parse_acknowledged_sequence(message.payload)) {
      facts.acknowledged = *number;
    }
  }
  return facts;
}

std::vector<Duration> Decision::transmissions() const {
  std::vector<Duration> waits{Duration(0)};
  Duration all{0};
  for (const Fired& fired : fired_) {
    if (std::holds_alternative<Drop>(fired.rule->action)) {
      return {};
    }
    if (const auto* duplicate = std::get_if<Duplicate>(&fired.rule->action)) {
      const std::size_t room = max_transmissions - waits.size();
      waits.insert(waits.end(), std::min<std::size_t>(duplicate->copies, room), fired.delay);
    } else if (std::holds_alternative<Delay>(fired.rule->action)) {
      all += fired.delay;
    }
  }
  for (Duration& wait : waits) {
    wait += all;
  }
  std::sort(waits.begin(), waits.end());
  return waits;
}

Rule pinned(std::string name, const Fired& fired, const MessageFacts& facts, std::uint64_t copy) {
  Rule rule{.name = std::move(name),
            .match = {.direction = facts.direction,
                      .message_type = facts.message_type,
                      .session = fired.rule->match.session,
                      .copy = copy},
            .action = fired.rule->action};
  if (const auto number = identity(facts)) {
    (is_stream_data(facts.message_type) ? rule.match.sequence : rule.match.acknowledged) =
        Range{*number, *number};
  }
  const Delay drawn{fired.delay, fired.delay};
  if (auto* delay = std::get_if<Delay>(&rule.action)) {
    *delay = drawn;
  } else if (auto* duplicate = std::get_if<Duplicate>(&rule.action);
             duplicate != nullptr && duplicate->after) {
    duplicate->after = drawn;
  }
  return rule;
}

std::vector<const Rule*> schedule(const Plan& plan, const SessionFacts& session) {
  std::vector<const Rule*> rules;
  for (const Rule& rule : plan.rules) {
    const Match& match = rule.match;
    if (!match.at || (match.session && !glob_matches(*match.session, session.session_id))) {
      continue;
    }
    const std::uint64_t bits =
        detail::draw_bits(plan.seed, {static_cast<std::uint64_t>(detail::Purpose::session),
                                      detail::hash(rule.name), session.session_ordinal});
    if (!match.probability || detail::unit_interval(bits) < *match.probability) {
      rules.push_back(&rule);
    }
  }
  // Rules of the same time stay in plan order, which is that of their addresses.
  std::sort(rules.begin(), rules.end(), [](const Rule* a, const Rule* b) {
    return std::tie(*a->match.at, a) < std::tie(*b->match.at, b);
  });
  return rules;
}

}  // namespace ssm::fault
