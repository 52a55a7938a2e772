#include "ssm/protocol/agent_session_state.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"

namespace ssm::protocol {

Result<AgentSessionState> parse_agent_session_state(Bytes payload) {
  return detail::parse_object<AgentSessionState>(
      payload, [](detail::FieldReader& reader, AgentSessionState& state) {
        state.schema_version = 0;
        reader.read("SchemaVersion", state.schema_version);
        reader.read("SessionState", state.session_state);
        reader.read("SessionId", state.session_id);
      });
}

std::string serialize(const AgentSessionState& state) {
  std::string out;
  detail::ObjectWriter(out)
      .field("SchemaVersion", state.schema_version)
      .field("SessionState", state.session_state)
      .field("SessionId", state.session_id)
      .end();
  return out;
}

}  // namespace ssm::protocol
