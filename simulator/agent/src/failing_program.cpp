#include "ssm/agent/failing_program.hpp"

#include <utility>

namespace ssm::agent {
namespace {

class FailingProgram final : public SessionProgram {
 public:
  explicit FailingProgram(std::string text) : text_(std::move(text)) {}

  protocol::Result<> start(const protocol::AgentConnected& /*connected*/,
                           std::function<void()> /*changed*/) override {
    return protocol::Error(protocol::Errc::malformed_field, 0, text_);
  }
  void receive(protocol::PayloadType /*type*/, const protocol::FrameSlice& /*data*/) override {}
  bool takes_input() const override { return true; }
  std::optional<ProgramOutput> poll_output(protocol::Instant /*now*/) override { return {}; }
  void stop() override {}
  std::optional<ProgramEnd> ended() const override { return ProgramEnd{}; }

 private:
  std::string text_;
};

}  // namespace

std::unique_ptr<SessionProgram> make_failing_program(std::string text) {
  return std::make_unique<FailingProgram>(std::move(text));
}

}  // namespace ssm::agent
