// The codec against the digest it cannot avoid. Absolute times differ from machine to machine and
// from minute to minute; the ratios do not, because their two sides are measured in turns:
//
//     cmake --preset release && cmake --build --preset release --target codec_bench
//     build/release/bin/codec_bench --benchmark_filter=ratio

#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/random.hpp"

namespace {

using namespace ssm::protocol;

constexpr std::size_t payload_size = 1024;

/// One 1 KiB message of stream data, encoded, and what is needed to encode it again in place.
struct Fixture {
  std::vector<std::byte> message = std::vector<std::byte>(encoded_size(payload_size));
  MessageHeader header{.type = "output_stream_data",
                       .created_date_ms = 1503434274948,
                       .sequence_number = 41,
                       .message_id = {},
                       .payload_type = PayloadType::output};

  Fixture() {
    Random random(1);
    header.message_id = Uuid::random_v4(random);
    for (std::byte& b : MutableBytes(message).subspan(payload_offset)) {
      b = static_cast<std::byte>(random.below(256));
    }
    encode_once();
  }

  [[nodiscard]] Bytes payload() const { return Bytes(message).subspan(payload_offset); }
  void digest_once() const {
    Digest digest = sha256(payload());
    benchmark::DoNotOptimize(digest);
  }
  void encode_once() {
    Result<std::size_t> size = encode(header, payload(), message);
    benchmark::DoNotOptimize(size);
  }
  void encode_copy_once(MutableBytes out) const {
    Result<std::size_t> size = encode(header, payload(), out);
    benchmark::DoNotOptimize(size);
  }
  void decode_once() const {
    Result<MessageView> view = parse(message, strict_message_rules);
    benchmark::DoNotOptimize(view);
  }
};

/// OpenSSL's own interface with everything reused that it lets one reuse.
class EvpSha256 {
 public:
  EvpSha256() { EVP_DigestInit_ex2(context_, algorithm_, nullptr); }
  EvpSha256(const EvpSha256&) = delete;
  EvpSha256& operator=(const EvpSha256&) = delete;
  ~EvpSha256() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }
  void digest_once(Bytes data) {
    Digest digest;
    unsigned int size = 0;
    EVP_DigestInit_ex2(context_, nullptr, nullptr);
    EVP_DigestUpdate(context_, data.data(), data.size());
    EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), &size);
    benchmark::DoNotOptimize(digest);
  }

 private:
  EVP_MD* algorithm_ = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context_ = EVP_MD_CTX_new();
};

template <class Work>
void run(benchmark::State& state, Work work) {
  for (auto _ : state) {
    work();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(payload_size));
}

void sha256_1k(benchmark::State& state) {
  const Fixture fixture;
  run(state, [&] { fixture.digest_once(); });
}
BENCHMARK(sha256_1k);

void sha256_1k_evp_reused_context(benchmark::State& state) {
  const Fixture fixture;
  EvpSha256 evp;
  run(state, [&] { evp.digest_once(fixture.payload()); });
}
BENCHMARK(sha256_1k_evp_reused_context);

void encode_1k_in_place(benchmark::State& state) {
  Fixture fixture;
  run(state, [&] { fixture.encode_once(); });
}
BENCHMARK(encode_1k_in_place);

void encode_1k_copy(benchmark::State& state) {
  const Fixture fixture;
  std::vector<std::byte> out(fixture.message.size());
  run(state, [&] { fixture.encode_copy_once(out); });
}
BENCHMARK(encode_1k_copy);

void encode_1k_frame(benchmark::State& state) {
  const Fixture fixture;
  run(state, [&] {
    Result<Frame> frame = encode(fixture.header, fixture.payload());
    benchmark::DoNotOptimize(frame);
  });
}
BENCHMARK(encode_1k_frame);

void decode_and_validate_1k(benchmark::State& state) {
  const Fixture fixture;
  run(state, [&] { fixture.decode_once(); });
}
BENCHMARK(decode_and_validate_1k);

void decode_1k_without_digest(benchmark::State& state) {
  const Fixture fixture;
  run(state, [&] {
    Result<MessageView> view = parse(fixture.message, agent_message_rules);
    benchmark::DoNotOptimize(view);
  });
}
BENCHMARK(decode_1k_without_digest);

// --- ratios ----------------------------------------------------------------------------------

constexpr int calls_per_turn = 200;

template <class Work>
double turn_ns(Work work) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls_per_turn; ++i) {
    work();
  }
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / calls_per_turn;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// One iteration is one turn of each; each ratio is the median of the turns' ratios.
void ratio_to_sha256_1k(benchmark::State& state) {
  Fixture fixture;
  EvpSha256 evp;
  std::vector<std::byte> out(fixture.message.size());
  std::vector<double> digest, evp_ratio, encode_ratio, copy_ratio, decode_ratio;
  for (auto _ : state) {
    const double bare = turn_ns([&] { fixture.digest_once(); });
    digest.push_back(bare);
    encode_ratio.push_back(turn_ns([&] { fixture.encode_once(); }) / bare);
    copy_ratio.push_back(turn_ns([&] { fixture.encode_copy_once(out); }) / bare);
    decode_ratio.push_back(turn_ns([&] { fixture.decode_once(); }) / bare);
    evp_ratio.push_back(turn_ns([&] { evp.digest_once(fixture.payload()); }) / bare);
  }
  state.counters["sha256_ns"] = median(digest);
  state.counters["encode_ratio"] = median(encode_ratio);
  state.counters["encode_copy_ratio"] = median(copy_ratio);
  state.counters["decode_ratio"] = median(decode_ratio);
  state.counters["evp_ratio"] = median(evp_ratio);
  char line[256];
  std::snprintf(line, sizeof line,
                "SHA-256 of 1 KiB %.0f ns = 1.00: encode in place %.3f, encode with copy %.3f, "
                "decode and verify %.3f, EVP with a reused context %.3f (medians of %zu turns)",
                median(digest), median(encode_ratio), median(copy_ratio), median(decode_ratio),
                median(evp_ratio), digest.size());
  state.SetLabel(line);
}
BENCHMARK(ratio_to_sha256_1k)->MinTime(1.0)->Unit(benchmark::kMillisecond);

}  // namespace
