#include "ssm/service/credentials.hpp"

#include <utility>

namespace ssm::service {

Principal iam_user(std::string_view name, std::string_view account_id) {
  Principal principal;
  principal.account_id = account_id;
  principal.arn.append("arn:aws:iam::").append(account_id).append(":user/").append(name);
  principal.user_name = name;
  principal.user_id.append("AIDA").append(name);
  return principal;
}

void CredentialStore::add(Credentials credentials) {
  std::string key = credentials.access_key_id;
  by_access_key_.insert_or_assign(std::move(key), std::move(credentials));
}

bool CredentialStore::remove(std::string_view access_key_id) {
  const auto found = by_access_key_.find(access_key_id);
  if (found == by_access_key_.end()) {
    return false;
  }
  by_access_key_.erase(found);
  return true;
}

const Credentials* CredentialStore::find(std::string_view access_key_id) const {
  const auto found = by_access_key_.find(access_key_id);
  return found == by_access_key_.end() ? nullptr : &found->second;
}

}  // namespace ssm::service
