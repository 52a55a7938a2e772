#pragma once

#include "mutation.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::conformance::mutants {

/// Encodes a message of the client with a fresh id and the date, wrong as the mutation says.
[[nodiscard]] protocol::Frame make_message(Mutation mutation, protocol::MessageHeader header,
                                           protocol::Bytes payload, protocol::Random& random);

}  // namespace ssm::conformance::mutants
