#include <fmt/format.h>

#include "cases.hpp"
#include "steps.hpp"

namespace ssm::conformance::wire {
namespace {

using Damage = void (*)(OutgoingMessage& message);

Outcome damaged(Conversation& peer, std::string what, Damage damage) {
  return expect_dropped(peer, [&](Conversation& open) {
    Subject subject = output_subject(open, std::move(what));
    damage(subject.message);
    return subject;
  });
}

Outcome cut_to(Conversation& peer, std::size_t size) {
  return expect_dropped(peer, [size](Conversation& open) {
    Subject subject = output_subject(open, fmt::format("the first {} bytes of a message", size));
    subject.message.bytes.resize(size);
    return subject;
  });
}

constexpr std::string_view dropped =
    "it is neither acknowledged nor shown; good output with its sequence number is both";

const Case cases[] = {
    {.id = "WIRE-006/zero-created-date",
     .does = "sends output with CreatedDate 0, then good output",
     .expects = dropped,
     .run =
         [](Conversation& peer) {
           //= WIRE-006
           return damaged(peer, "output with CreatedDate 0", [](OutgoingMessage& message) {
             put(message, at::created_date, std::uint64_t{0});
           });
         }},
    {.id = "WIRE-016/zero-header-length",
     .does = "sends output with HeaderLength 0, then good output",
     .expects = dropped,
     .run =
         [](Conversation& peer) {
           //= WIRE-016
           return damaged(peer, "output with HeaderLength 0", [](OutgoingMessage& message) {
             put(message, at::header_length, std::uint32_t{0});
           });
         }},
    {.id = "WIRE-016/blank-type",
     .does = "sends output whose MessageType is 32 spaces, then good output",
     .expects = dropped,
     .run =
         [](Conversation& peer) {
           //= WIRE-016
           return damaged(peer, "output with 32 spaces as MessageType",
                          [](OutgoingMessage& message) { put_type(message, {}, 0, ' '); });
         }},
    {.id = "WIRE-016/nul-type",
     .does = "sends output whose MessageType is 32 NULs, then good output",
     .expects = dropped,
     .run =
         [](Conversation& peer) {
           //= WIRE-016
           return damaged(peer, "output with 32 NULs as MessageType",
                          [](OutgoingMessage& message) { put_type(message, {}, 0, '\0'); });
         }},
    //= WIRE-019
    {.id = "WIRE-019/116-bytes",
     .does = "sends a message that ends before PayloadLength, then good output",
     .expects = dropped,
     .run = [](Conversation& peer) { return cut_to(peer, 116); }},
    {.id = "WIRE-019/117-bytes",
     .does = "sends a message that ends after one byte of PayloadLength, then good output",
     .expects = dropped,
     .run = [](Conversation& peer) { return cut_to(peer, 117); }},
    {.id = "WIRE-019/119-bytes",
     .does = "sends a message that ends after three bytes of PayloadLength, then good output",
     .expects = dropped,
     .run = [](Conversation& peer) { return cut_to(peer, 119); }},
    {.id = "WIRE-019/header-length-too-large",
     .does = "sends output whose HeaderLength lies behind its end, then good output",
     .expects = dropped,
     .run =
         [](Conversation& peer) {
           return damaged(peer, "output with HeaderLength 100000", [](OutgoingMessage& message) {
             put(message, at::header_length, std::uint32_t{100000});
           });
         }},
    //= WIRE-020
    {.id = "WIRE-020/1-byte",
     .does = "sends a message of one byte, then good output",
     .expects = dropped,
     .run = [](Conversation& peer) { return cut_to(peer, 1); }},
    {.id = "WIRE-020/40-bytes",
     .does = "sends a message that ends in the middle of its header, then good output",
     .expects = dropped,
     .run = [](Conversation& peer) { return cut_to(peer, 40); }},
    {.id = "WIRE-020/115-bytes",
     .does = "sends a message that lacks the last byte of PayloadType, then good output",
     .expects = dropped,
     .run = [](Conversation& peer) { return cut_to(peer, 115); }},
    {.id = "WIRE-021/unknown-type",
     .does = "sends a message of type bogus_type, then good output",
     .expects = dropped,
     .run =
         [](Conversation& peer) {
           //= WIRE-021
           return damaged(peer, "a message of type bogus_type", [](OutgoingMessage& message) {
             put_type(message, "bogus_type", 0, ' ');
           });
         }},
};

}  // namespace

std::span<const Case> bad_message_cases() {
  return cases;
}

}  // namespace ssm::conformance::wire
