#include "ssm/protocol/session_cipher.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

namespace ssm::protocol {
namespace {

using ByteVector = std::vector<std::byte>;

ByteVector hex(std::string_view text) {
  ByteVector bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

/// 00 01 ... 3f.
ByteVector counted_key() {
  ByteVector key;
  for (int i = 0; i < 64; ++i) {
    key.push_back(static_cast<std::byte>(i));
  }
  return key;
}

Nonce nonce_of(std::string_view text) {
  const ByteVector bytes = hex(text);
  Nonce nonce{};
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

SessionCipher cipher(CipherEnd end, std::string_view first_nonce = "000000000000000000000000") {
  return {end, counted_key(), NonceSource::counter(nonce_of(first_nonce))};
}

ByteVector encrypted(SessionCipher& by, std::string_view plaintext) {
  ByteVector envelope(plaintext.size() + envelope_overhead);
  by.encrypt(as_bytes(plaintext), envelope);
  return envelope;
}

//= ENC-003
//= ENC-004
TEST(SessionCipher, writes_the_agents_envelope_of_the_reference_ciphers) {
  SessionCipher agent = cipher(CipherEnd::agent, "010000000200000003000000");
  EXPECT_EQ(
      encrypted(agent, "Hello Agent\n"),
      hex("0100000002000000030000004c160602459d5cfa549d0d83d15c0a0109fa0f145eaf2632c29e9973"));
}

TEST(SessionCipher, writes_the_clients_envelope_of_the_reference_ciphers) {
  SessionCipher client = cipher(CipherEnd::client, "0b0b0b0b0b0b0b0b0b0b0b0b");
  EXPECT_EQ(encrypted(client, "ls\r"),
            hex("0b0b0b0b0b0b0b0b0b0b0b0b0e87552e9cf974768162d2e23d7d3a9fc30ca1"));
}

TEST(SessionCipher, each_end_reads_the_other_and_not_itself) {
  SessionCipher agent = cipher(CipherEnd::agent);
  SessionCipher client = cipher(CipherEnd::client);
  EXPECT_EQ(as_text(client.decrypt(encrypted(agent, "to the client")).value().bytes()),
            "to the client");
  EXPECT_EQ(as_text(agent.decrypt(encrypted(client, "to the agent")).value().bytes()),
            "to the agent");
  EXPECT_EQ(agent.decrypt(encrypted(agent, "x")).error().code, Errc::bad_tag);
}

TEST(SessionCipher, encrypts_nothing_into_an_envelope_of_28_bytes) {
  SessionCipher agent = cipher(CipherEnd::agent);
  SessionCipher client = cipher(CipherEnd::client);
  const ByteVector envelope = encrypted(agent, "");
  EXPECT_EQ(envelope.size(), 28U);
  const Result<Frame> plaintext = client.decrypt(envelope);
  ASSERT_TRUE(plaintext);
  EXPECT_TRUE(plaintext->empty());
}

//= ENC-023
TEST(SessionCipher, refuses_every_envelope_that_is_too_short) {
  SessionCipher client = cipher(CipherEnd::client);
  for (std::size_t size = 0; size < envelope_overhead; ++size) {
    EXPECT_EQ(client.decrypt(ByteVector(size)).error().code, Errc::malformed_payload) << size;
  }
}

//= ENC-022
TEST(SessionCipher, refuses_an_envelope_with_any_bit_changed) {
  SessionCipher agent = cipher(CipherEnd::agent);
  SessionCipher client = cipher(CipherEnd::client);
  const ByteVector good = encrypted(agent, "abc");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    ByteVector bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_EQ(client.decrypt(bad).error().code, Errc::bad_tag) << bit;
  }
  EXPECT_TRUE(client.decrypt(good)) << "and still reads the good one";
}

//= ENC-007
TEST(SessionCipher, reads_the_same_envelope_again) {
  SessionCipher agent = cipher(CipherEnd::agent);
  SessionCipher client = cipher(CipherEnd::client);
  const ByteVector envelope = encrypted(agent, "abc");
  EXPECT_TRUE(client.decrypt(envelope));
  EXPECT_TRUE(client.decrypt(envelope));
}

//= ENC-005
TEST(NonceSource, counts_as_little_endian_with_carry) {
  NonceSource nonces = NonceSource::counter(nonce_of("feffffff0000000000000000"));
  EXPECT_EQ(nonces.next(), nonce_of("feffffff0000000000000000"));
  EXPECT_EQ(nonces.next(), nonce_of("ffffffff0000000000000000"));
  EXPECT_EQ(nonces.next(), nonce_of("000000000100000000000000"));
}

TEST(NonceSource, starts_anew_after_the_highest_count) {
  NonceSource nonces = NonceSource::counter(nonce_of("ffffffffffffffffffffffff"));
  (void)nonces.next();
  EXPECT_EQ(nonces.next(), nonce_of("000000000000000000000000"));
}

//= ENC-006
TEST(NonceSource, random_nonces_differ) {
  NonceSource nonces = NonceSource::random(SecretStream({}));
  std::set<Nonce> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(nonces.next()).second);
  }
}

TEST(SecretStream, gives_other_bytes_for_another_seed_and_the_same_for_the_same) {
  std::array<std::byte, 100> a{};
  std::array<std::byte, 100> b{};
  std::array<std::byte, 100> c{};
  SecretStream({}).fill(a);
  SecretStream({}).fill(b);
  SecretStream({std::byte{1}}).fill(c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(SecretStream, never_repeats_a_block) {
  SecretStream stream({});
  std::set<std::array<std::byte, 32>> seen;
  for (int i = 0; i < 100; ++i) {
    std::array<std::byte, 32> block{};
    stream.fill(block);
    EXPECT_TRUE(seen.insert(block).second);
  }
}

}  // namespace
}  // namespace ssm::protocol
