#include "ssm/protocol/sha256.hpp"

#include <openssl/evp.h>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

// Fetching the algorithm and allocating a context cost more than hashing a small payload, so both
// are done once per thread. Nothing of one call is visible to the next.
class Hasher {
 public:
  Hasher() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    SSM_ASSERT(algorithm_ != nullptr && context_ != nullptr);
    SSM_ASSERT(EVP_DigestInit_ex2(context_, algorithm_, nullptr) == 1);
  }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }

  Digest operator()(Bytes data) {
    Digest digest;
    unsigned int size = 0;
    // A null algorithm restarts the context with the one it has.
    const bool done =
        EVP_DigestInit_ex2(context_, nullptr, nullptr) == 1 &&
        EVP_DigestUpdate(context_, data.data(), data.size()) == 1 &&
        EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), &size) == 1;
    SSM_ASSERT(done && size == digest.size());
    return digest;
  }

 private:
  EVP_MD* algorithm_;
  EVP_MD_CTX* context_;
};

}  // namespace

Digest sha256(Bytes data) {
  thread_local Hasher hasher;
  return hasher(data);
}

}  // namespace ssm::protocol
