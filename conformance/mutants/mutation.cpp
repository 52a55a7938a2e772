#include "mutation.hpp"

namespace ssm::conformance::mutants {
namespace {

using Cases = std::string_view[];

constexpr Cases wire_001_header_length = {"WIRE-001/header-length"};
constexpr Cases wire_002_message_type = {"WIRE-002/message-type"};
constexpr Cases wire_004_schema_version = {"WIRE-004/schema-version"};
constexpr Cases wire_006_created_date = {"WIRE-006/created-date"};
constexpr Cases wire_007_written_order = {"WIRE-007/written-order"};
constexpr Cases wire_008_fresh_ids = {"WIRE-008/fresh-ids"};
constexpr Cases wire_008_retransmission = {"WIRE-008/retransmission"};
constexpr Cases wire_009_digest_sent = {"WIRE-009/digest-sent"};
constexpr Cases wire_013_length_sent = {"WIRE-013/length-sent"};
constexpr Cases wire_018_no_empty_payload = {"WIRE-018/no-empty-payload"};
constexpr Cases wire_023_input_flags = {"WIRE-023/input-flags"};
constexpr Cases wire_025_acknowledge_header = {"WIRE-025/acknowledge-header"};
constexpr Cases wire_007_acknowledged_id = {"WIRE-007/acknowledged-id"};
constexpr Cases wire_003_trailing_nuls = {"WIRE-003/trailing-nuls"};
constexpr Cases wire_003_leading_nuls_and_more = {"WIRE-003/leading-nuls",
                                                  "WIRE-003/leading-spaces"};
constexpr Cases wire_005_schema_version = {"WIRE-005/schema-version"};
constexpr Cases wire_006_zero_created_date = {"WIRE-006/zero-created-date"};
constexpr Cases wire_010_digest_bit_and_more = {"WIRE-010/digest-bit", "WIRE-010/payload-bit"};
constexpr Cases wire_012_zero_length_field = {"WIRE-012/zero-length-field"};
constexpr Cases wire_014_length_too_small = {"WIRE-014/length-too-small"};
constexpr Cases wire_014_length_too_small_and_more = {"WIRE-014/length-too-small",
                                                      "WIRE-014/length-too-large"};
constexpr Cases wire_015_channel_closed = {"WIRE-015/channel-closed"};
constexpr Cases wire_016_zero_header_length = {"WIRE-016/zero-header-length"};
constexpr Cases wire_016_blank_type_and_more = {"WIRE-016/blank-type", "WIRE-016/nul-type"};
constexpr Cases wire_017_empty_output = {"WIRE-017/empty-output"};
constexpr Cases wire_017_empty_pause = {"WIRE-017/empty-pause"};
constexpr Cases wire_019_116_bytes_and_more = {"WIRE-019/116-bytes", "WIRE-019/117-bytes",
                                               "WIRE-019/119-bytes"};
constexpr Cases wire_019_header_length_too_large = {"WIRE-019/header-length-too-large"};
constexpr Cases wire_020_1_byte_and_more = {"WIRE-020/1-byte", "WIRE-020/40-bytes",
                                            "WIRE-020/115-bytes"};
constexpr Cases wire_020_40_bytes = {"WIRE-020/40-bytes"};
constexpr Cases wire_021_unknown_type = {"WIRE-021/unknown-type"};
constexpr Cases wire_022_no_syn = {"WIRE-022/no-syn"};
constexpr Cases wire_022_syn_and_fin = {"WIRE-022/syn-and-fin"};
constexpr Cases wire_022_all_bits = {"WIRE-022/all-bits"};
constexpr Cases wire_026_request_names_and_more = {
    "WIRE-026/request-names", "WIRE-026/handshake-complete", "WIRE-026/acknowledge"};
constexpr Cases wire_026_request_members_and_more = {
    "WIRE-026/request-members", "WIRE-026/handshake-complete", "WIRE-026/acknowledge"};

constexpr MutationInfo all[] = {
    {"header-length-112", wire_001_header_length, Mutation::header_length_112},
    {"header-length-little-endian", wire_001_header_length, Mutation::header_length_little_endian},
    {"type-padded-with-nuls", wire_002_message_type, Mutation::type_padded_with_nuls},
    {"type-behind-spaces", wire_002_message_type, Mutation::type_behind_spaces},
    {"schema-version-2", wire_004_schema_version, Mutation::schema_version_2},
    {"created-date-0", wire_006_created_date, Mutation::created_date_0},
    {"created-date-in-seconds", wire_006_created_date, Mutation::created_date_in_seconds},
    {"id-in-plain-order", wire_007_written_order, Mutation::id_in_plain_order},
    {"id-always-the-same", wire_008_fresh_ids, Mutation::id_always_the_same},
    {"id-of-version-1", wire_008_fresh_ids, Mutation::id_of_version_1},
    {"id-new-in-retransmission", wire_008_retransmission, Mutation::id_new_in_retransmission},
    {"digest-of-nothing", wire_009_digest_sent, Mutation::digest_of_nothing},
    {"digest-as-text", wire_009_digest_sent, Mutation::digest_as_text},
    {"length-with-header", wire_013_length_sent, Mutation::length_with_header},
    {"empty-message-sent", wire_018_no_empty_payload, Mutation::empty_message_sent},
    {"syn-on-first-input", wire_023_input_flags, Mutation::syn_on_first_input},
    {"flags-on-all-input", wire_023_input_flags, Mutation::flags_on_all_input},
    {"acknowledge-without-flags", wire_025_acknowledge_header, Mutation::acknowledge_without_flags},
    {"acknowledge-with-sequence-number", wire_025_acknowledge_header,
     Mutation::acknowledge_with_sequence_number},
    {"acknowledge-with-payload-type", wire_025_acknowledge_header,
     Mutation::acknowledge_with_payload_type},
    {"id-read-in-plain-order", wire_007_acknowledged_id, Mutation::id_read_in_plain_order},
    {"trailing-nuls-refused", wire_003_trailing_nuls, Mutation::trailing_nuls_refused},
    {"leading-padding-refused", wire_003_leading_nuls_and_more, Mutation::leading_padding_refused},
    {"schema-version-checked", wire_005_schema_version, Mutation::schema_version_checked},
    {"created-date-not-checked", wire_006_zero_created_date, Mutation::created_date_not_checked},
    {"digest-not-checked", wire_010_digest_bit_and_more, Mutation::digest_not_checked},
    {"wrong-digest-shown", wire_010_digest_bit_and_more, Mutation::wrong_digest_shown},
    {"wrong-digest-not-repeated", wire_010_digest_bit_and_more,
     Mutation::wrong_digest_not_repeated},
    {"zero-length-ends-session", wire_012_zero_length_field, Mutation::zero_length_ends_session},
    {"payload-cut-at-length", wire_014_length_too_small, Mutation::payload_cut_at_length},
    {"length-checked", wire_014_length_too_small_and_more, Mutation::length_checked},
    {"header-length-112-refused", wire_015_channel_closed, Mutation::header_length_112_refused},
    {"header-length-0-taken", wire_016_zero_header_length, Mutation::header_length_0_taken},
    {"blank-type-taken", wire_016_blank_type_and_more, Mutation::blank_type_taken},
    {"blank-type-ends-session", wire_016_blank_type_and_more, Mutation::blank_type_ends_session},
    {"empty-payload-refused", wire_017_empty_output, Mutation::empty_payload_refused},
    {"empty-pause-ends-session", wire_017_empty_pause, Mutation::empty_pause_ends_session},
    {"pause-acknowledged", wire_017_empty_pause, Mutation::pause_acknowledged},
    {"cut-length-field-ends-session", wire_019_116_bytes_and_more,
     Mutation::cut_length_field_ends_session},
    {"large-header-length-ends-session", wire_019_header_length_too_large,
     Mutation::large_header_length_ends_session},
    {"short-message-ends-session", wire_020_1_byte_and_more, Mutation::short_message_ends_session},
    {"short-message-makes-deaf", wire_020_40_bytes, Mutation::short_message_makes_deaf, true},
    {"unknown-type-acknowledged", wire_021_unknown_type, Mutation::unknown_type_acknowledged},
    {"unknown-type-ends-session", wire_021_unknown_type, Mutation::unknown_type_ends_session},
    {"syn-awaited", wire_022_no_syn, Mutation::syn_awaited},
    {"fin-ends-stream", wire_022_syn_and_fin, Mutation::fin_ends_stream},
    {"unknown-flags-refused", wire_022_all_bits, Mutation::unknown_flags_refused},
    {"json-names-exact", wire_026_request_names_and_more, Mutation::json_names_exact},
    {"json-members-refused", wire_026_request_members_and_more, Mutation::json_members_refused},
};

constexpr MutationInfo odd[] = {
    // session-manager-plugin starts its session on the first output, and is not ready for the
    // second one before it is done (SEQ-013).
    {"second-output-refused-once", {}, Mutation::second_output_refused_once},
    // It also forgets an acknowledgement that comes before it has stored the message (ACK-012).
    {"first-acknowledgements-forgotten", {}, Mutation::first_acknowledgements_forgotten},
};

}  // namespace

std::span<const MutationInfo> mutations() {
  return all;
}

std::span<const MutationInfo> oddities() {
  return odd;
}

const MutationInfo* find_mutation(std::string_view name) {
  for (const auto group : {mutations(), oddities()}) {
    for (const MutationInfo& info : group) {
      if (info.name == name) {
        return &info;
      }
    }
  }
  return nullptr;
}

}  // namespace ssm::conformance::mutants
