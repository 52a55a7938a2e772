#include "ssm/protocol/session_output.hpp"

#include "ssm/protocol/exit_code.hpp"

namespace ssm::protocol {

std::optional<SessionText> SessionOutput::receive(PayloadType type, Bytes payload) {
  using Target = SessionText::Target;
  //= SHELL-007
  if (rules_.prints_every_type) {
    return SessionText{Target::standard_output, payload};
  }
  switch (type) {
    case PayloadType::output:
      //= SHELL-006
      return SessionText{Target::standard_output, payload};
    case PayloadType::std_err:
      return SessionText{Target::standard_error, payload};
    case PayloadType::exit_code:
      // A text that is none is no reason to end a session.
      if (const auto exit_code = parse_exit_code(payload)) {
        exit_code_ = *exit_code;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace ssm::protocol
