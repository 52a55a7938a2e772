#include "ssm/protocol/data_key.hpp"

namespace ssm::protocol {

std::vector<std::pair<std::string_view, std::string_view>> DataKeyContext::entries() const {
  //= ENC-001
  //= ENC-002
  std::vector<std::pair<std::string_view, std::string_view>> all = {
      {"aws:ssm:SessionId", session_id}, {"aws:ssm:TargetId", target_id}};
  //= ENC-019
  if (!random_challenge.empty()) {
    all.emplace_back("aws:ssm:RandomChallenge", random_challenge);
  }
  return all;
}

}  // namespace ssm::protocol
