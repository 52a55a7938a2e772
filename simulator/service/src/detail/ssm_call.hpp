#pragma once

#include <boost/json/object.hpp>

#include <cstdint>

#include "detail/model_reader.hpp"
#include "ssm/net/http.hpp"
#include "ssm/service/sigv4.hpp"
#include "ssm/service/ssm_api.hpp"

namespace ssm::service {

/// One authenticated call of an operation.
struct SsmApi::Call {
  const net::HttpRequest& request;
  const Identity& caller;
  const boost::json::object& input;
  std::int64_t now_ms;
  detail::Violations violations{};

  [[nodiscard]] detail::ModelReader reader() { return {input, violations}; }
};

}  // namespace ssm::service
