#pragma once

#include <string>

#include "ssm/client/api_client.hpp"
#include "ssm/client/credentials.hpp"

namespace ssmsim {

/// Signs API calls with Signature Version 4.
[[nodiscard]] ssm::client::Signer make_signer(const ssm::client::Credentials& credentials,
                                              std::string region);

}  // namespace ssmsim
