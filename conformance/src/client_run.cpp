#include "ssm/conformance/client_run.hpp"

#include <utility>

#include "conversation.hpp"

namespace ssm::conformance {
namespace {

Outcome not_applicable(const Requirement& requirement) {
  const bool for_clients = contains(requirement.roles, Role::client);
  return {.verdict = for_clients ? Verdict::skipped : Verdict::not_applicable,
          .sent = {},
          .seen = for_clients ? "there is no case yet" : "not a rule for clients",
          .transcript = {},
          .during_opening = false};
}

class Run {
 public:
  Run(const ClientRunOptions& options, const std::function<void(const CaseResult&)>& on_result)
      : options_(options), on_result_(on_result) {}

  std::vector<CaseResult> run() {
    for (const Requirement& requirement : requirements()) {
      run_requirement(requirement);
    }
    return std::move(results_);
  }

 private:
  void run_requirement(const Requirement& requirement) {
    bool has_cases = false;
    for (const Case& definition : client_cases()) {
      if (definition.requirement_id() != requirement.id) {
        continue;
      }
      has_cases = true;
      if (selects(options_.filter, requirement.id, definition.id)) {
        run_case(requirement, definition);
      }
    }
    if (!has_cases && selects(options_.filter, requirement.id, {})) {
      add({.id = std::string(requirement.id),
           .requirement = &requirement,
           .definition = nullptr,
           .outcome = not_applicable(requirement)});
    }
  }

  void run_case(const Requirement& requirement, const Case& definition) {
    CaseResult result{.id = std::string(definition.id),
                      .requirement = &requirement,
                      .definition = &definition,
                      .outcome = {}};
    if (unusable_) {
      result.outcome.verdict = Verdict::error;
      result.outcome.seen = "not run, as the client did not work in the first case";
      add(std::move(result));
      return;
    }
    const net::Instant start = net::EventLoop::now();
    {
      Conversation peer(options_.command, options_.timeout);
      result.outcome = definition.run(peer);
    }
    result.took = net::EventLoop::now() - start;
    if (result.outcome.verdict != Verdict::error) {
      worked_ = true;
    } else if (!worked_) {
      unusable_ = true;
    }
    add(std::move(result));
  }

  void add(CaseResult result) {
    if (on_result_) {
      on_result_(result);
    }
    results_.push_back(std::move(result));
  }

  const ClientRunOptions& options_;
  const std::function<void(const CaseResult&)>& on_result_;
  std::vector<CaseResult> results_;
  bool worked_ = false;
  bool unusable_ = false;
};

}  // namespace

std::vector<CaseResult> run_client_cases(const ClientRunOptions& options,
                                         const std::function<void(const CaseResult&)>& on_result) {
  return Run(options, on_result).run();
}

}  // namespace ssm::conformance
