#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ssm/net/http.hpp"
#include "ssm/service/aws_error.hpp"
#include "ssm/service/service_state.hpp"
#include "ssm/service/session_events.hpp"

namespace ssm::service {

/// The part of AWS Systems Manager that sessions need, protocol AWS JSON 1.1 (botocore
/// botocore/data/ssm/2014-11-06/service-2.json): StartSession, ResumeSession, TerminateSession,
/// DescribeSessions, GetConnectionStatus, DescribeInstanceInformation. Request in, response out;
/// nothing throws. On the loop's thread.
class SsmApi {
 public:
  static constexpr std::string_view target_prefix = "AmazonSSM.";
  static constexpr std::size_t max_body_bytes = std::size_t{256} * 1024;

  /// Both must outlive the object.
  SsmApi(ServiceState& state, SessionEvents& events) : state_(state), events_(events) {}

  /// Dispatches on X-Amz-Target alone, whatever host and path. `now_ms`: milliseconds since the
  /// Unix epoch.
  [[nodiscard]] net::HttpResponse handle(const net::HttpRequest& request, std::int64_t now_ms);

 private:
  struct Call;
  struct Operation;

  AwsResult<std::string> dispatch(const net::HttpRequest& request, std::int64_t now_ms);
  AwsResult<std::string> start_session(Call& call);
  AwsResult<std::string> resume_session(Call& call);
  AwsResult<std::string> terminate_session(Call& call);
  AwsResult<std::string> describe_sessions(Call& call);
  AwsResult<std::string> connection_status(Call& call);
  AwsResult<std::string> describe_instance_information(Call& call);

  ServiceState& state_;
  SessionEvents& events_;
};

/// `<base>/v1/data-channel/<id>?role=publish_subscribe`, the base being the configured one or the
/// scheme and Host of the request.
[[nodiscard]] std::string stream_url(const ServiceOptions& options, const net::HttpRequest& request,
                                     std::string_view session_id);

}  // namespace ssm::service
