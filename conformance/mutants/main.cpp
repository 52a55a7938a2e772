// mutant_client STREAM_URL TOKEN [MUTATION]: a client that is wrong in one way, to show that the
// conformance suite notices.

#include <cstdio>
#include <string>

#include "mutant_client.hpp"
#include "ssm/net/http_client.hpp"

int main(int argc, char** argv) {
  namespace net = ssm::net;
  namespace mutants = ssm::conformance::mutants;
  if (argc != 3 && argc != 4) {
    std::fputs("usage: mutant_client STREAM_URL TOKEN [MUTATION]\n", stderr);
    return 2;
  }
  auto mutation = mutants::Mutation::none;
  if (argc == 4) {
    const mutants::MutationInfo* found = mutants::find_mutation(argv[3]);
    if (found == nullptr) {
      std::fprintf(stderr, "there is no mutation '%s'\n", argv[3]);
      return 2;
    }
    mutation = found->mutation;
  }
  const auto url = net::Url::parse(argv[1]);
  if (!url) {
    std::fprintf(stderr, "%s\n", url.error().to_string().c_str());
    return 2;
  }
  net::EventLoop loop;
  mutants::MutantClient client(loop, mutation, argv[2]);
  int status = 0;
  const auto connecting =
      net::connect_websocket(loop, *url, {}, {}, [&](ssm::protocol::Result<net::WebSocket> socket) {
        if (socket) {
          client.opened(std::move(*socket));
        } else {
          std::fprintf(stderr, "%s\n", socket.error().to_string().c_str());
          status = 3;
          loop.stop();
        }
      });
  loop.run();
  return status;
}
