#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ssm::conformance::mutants {

/// One way to be wrong, and the cases that must notice.
enum class Mutation : std::uint8_t {
  none,
  // what is sent
  header_length_112,
  header_length_little_endian,
  type_padded_with_nuls,
  type_behind_spaces,
  schema_version_2,
  created_date_0,
  created_date_in_seconds,
  id_in_plain_order,
  id_always_the_same,
  id_of_version_1,
  id_new_in_retransmission,
  digest_of_nothing,
  digest_as_text,
  length_with_header,
  empty_message_sent,
  syn_on_first_input,
  flags_on_all_input,
  acknowledge_without_flags,
  acknowledge_with_sequence_number,
  acknowledge_with_payload_type,
  // what is taken or dropped
  id_read_in_plain_order,
  trailing_nuls_refused,
  leading_padding_refused,
  schema_version_checked,
  created_date_not_checked,
  digest_not_checked,
  wrong_digest_shown,
  wrong_digest_not_repeated,
  zero_length_ends_session,
  payload_cut_at_length,
  length_checked,
  header_length_112_refused,
  header_length_0_taken,
  blank_type_taken,
  blank_type_ends_session,
  empty_payload_refused,
  empty_pause_ends_session,
  pause_acknowledged,
  cut_length_field_ends_session,
  large_header_length_ends_session,
  short_message_ends_session,
  short_message_makes_deaf,
  unknown_type_acknowledged,
  unknown_type_ends_session,
  syn_awaited,
  fin_ends_stream,
  unknown_flags_refused,
  json_names_exact,
  json_members_refused,
  // right, but unusual
  second_output_refused_once,
  first_acknowledgements_forgotten,
};

struct MutationInfo {
  std::string_view name;  ///< `digest-not-checked`
  /// Each of these must end in `fail`; empty: nothing is wrong.
  std::span<const std::string_view> caught_by;
  Mutation mutation = Mutation::none;
  /// Only a timeout can tell.
  bool is_silent = false;
};

/// All that are wrong.
[[nodiscard]] std::span<const MutationInfo> mutations();
/// What real clients do and no case may take amiss.
[[nodiscard]] std::span<const MutationInfo> oddities();
/// Among both; nullptr if unknown.
[[nodiscard]] const MutationInfo* find_mutation(std::string_view name);

}  // namespace ssm::conformance::mutants
