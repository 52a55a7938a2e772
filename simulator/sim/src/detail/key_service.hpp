#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "ssm/protocol/data_key.hpp"
#include "ssm/protocol/sha256.hpp"

/// The key service of a run: it answers at once, and remembers nothing, because a data key follows
/// from the key's id and the encryption context. Decrypt succeeds under the same id and context
/// only.

namespace ssm::sim::detail {

[[nodiscard]] inline std::string encrypted_data_key(const std::string& key_id,
                                                    const protocol::DataKeyContext& context) {
  std::string text = key_id;
  for (const auto& [name, value] : context.entries()) {
    text += "\n" + std::string(name) + "=" + std::string(value);
  }
  return text;
}

[[nodiscard]] inline std::vector<std::byte> plain_data_key(const std::string& encrypted) {
  std::vector<std::byte> key;
  for (const char* half : {"agent to client\n", "client to agent\n"}) {
    const protocol::Digest digest = protocol::sha256(protocol::as_bytes(half + encrypted));
    key.insert(key.end(), digest.begin(), digest.end());
  }
  return key;
}

}  // namespace ssm::sim::detail
