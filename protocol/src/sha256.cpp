// The EVP interface of OpenSSL 3.0 allocates and frees inside every EVP_DigestInit_ex2, even on a
// reused context; for 1 KiB that is 5 to 15 % of the whole hash. The older interface, deprecated
// but the same code underneath, works on a plain structure. bench/codec_bench compares the two.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "ssm/protocol/sha256.hpp"

#include <openssl/sha.h>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {

static_assert(sizeof(Digest) == SHA256_DIGEST_LENGTH);

Digest sha256(Bytes data) {
  Digest digest;
  SHA256_CTX context;
  const bool done = SHA256_Init(&context) == 1 &&
                    SHA256_Update(&context, data.data(), data.size()) == 1 &&
                    SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &context) == 1;
  SSM_ASSERT(done);
  return digest;
}

}  // namespace ssm::protocol
