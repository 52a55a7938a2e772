#include "ssm/protocol/terminal_size.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"

namespace ssm::protocol {

Result<TerminalSize> parse_terminal_size(Bytes payload) {
  return detail::parse_object<TerminalSize>(payload,
                                            [](detail::FieldReader& reader, TerminalSize& size) {
                                              reader.read("cols", size.cols);
                                              reader.read("rows", size.rows);
                                            });
}

std::string serialize(const TerminalSize& size) {
  std::string out;
  detail::ObjectWriter(out).field("cols", size.cols).field("rows", size.rows).end();
  return out;
}

}  // namespace ssm::protocol
