#pragma once

namespace ssm::net::detail {

/// Raises the process's soft limit of open descriptors to the hard one: whoever accepts connections
/// needs several for each, and the usual 1024 is for select(2).
void raise_descriptor_limit();

}  // namespace ssm::net::detail
