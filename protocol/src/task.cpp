#include "ssm/protocol/task.hpp"

#include "detail/json_fields.hpp"
#include "detail/json_writer.hpp"

namespace ssm::protocol {
namespace {

using detail::FieldReader;
using detail::ObjectWriter;

Result<SessionTask> parse_session_task(Bytes text) {
  return detail::parse_object<SessionTask>(text, [](FieldReader& reader, SessionTask& task) {
    reader.read("DocumentName", task.document_name);
    reader.read_json_object("DocumentContent", task.document_content);
    reader.read("SessionId", task.session_id);
    reader.read_json_object("Parameters", task.parameters);
    reader.read("RunAsUser", task.run_as_user);
    reader.read("SessionOwner", task.session_owner);
  });
}

std::string serialize_session_task(const SessionTask& task) {
  std::string out;
  ObjectWriter(out)
      .field("DocumentName", task.document_name)
      .json("DocumentContent", task.document_content)
      .field("SessionId", task.session_id)
      .json("Parameters", task.parameters)
      .field("RunAsUser", task.run_as_user)
      .field("SessionOwner", task.session_owner)
      .end();
  return out;
}

}  // namespace

Result<InteractiveShell> parse_interactive_shell(Bytes payload) {
  return detail::parse_object<InteractiveShell>(
      payload, [](FieldReader& reader, InteractiveShell& shell) {
        shell.topic.clear();
        shell.schema_version = 0;
        std::string content;
        reader.read("Content", content);
        reader.read("TaskId", shell.task_id);
        reader.read("Topic", shell.topic);
        reader.read("SchemaVersion", shell.schema_version);
        Result<SessionTask> task = parse_session_task(as_bytes(content));
        if (task.has_error()) {
          Error error = std::move(task).error();
          error.context.insert(0, "Content: ");
          reader.fail(std::move(error));
        } else {
          shell.content = std::move(*task);
        }
      });
}

Result<AgentTaskComplete> parse_agent_task_complete(Bytes payload) {
  return detail::parse_object<AgentTaskComplete>(
      payload, [](FieldReader& reader, AgentTaskComplete& complete) {
        complete.schema_version = 0;
        complete.topic.clear();
        complete.retry_number = 0;
        reader.read("SchemaVersion", complete.schema_version);
        reader.read("TaskId", complete.task_id);
        reader.read("Topic", complete.topic);
        reader.read("FinalTaskStatus", complete.final_task_status);
        reader.read("IsRoutingFailure", complete.is_routing_failure);
        reader.read("AwsAccountId", complete.aws_account_id);
        reader.read("InstanceId", complete.instance_id);
        reader.read("Output", complete.output);
        reader.read("S3Bucket", complete.s3_bucket);
        reader.read("S3UrlSuffix", complete.s3_url_suffix);
        reader.read("CwlGroup", complete.cwl_group);
        reader.read("CwlStream", complete.cwl_stream);
        reader.read("RetryNumber", complete.retry_number);
      });
}

Result<AgentTaskAcknowledge> parse_agent_task_acknowledge(Bytes payload) {
  return detail::parse_object<AgentTaskAcknowledge>(
      payload, [](FieldReader& reader, AgentTaskAcknowledge& acknowledge) {
        acknowledge.schema_version = 0;
        acknowledge.topic.clear();
        reader.read("SchemaVersion", acknowledge.schema_version);
        reader.read("MessageId", acknowledge.message_id);
        reader.read("TaskId", acknowledge.task_id);
        reader.read("Topic", acknowledge.topic);
      });
}

std::string serialize(const InteractiveShell& shell) {
  std::string out;
  ObjectWriter(out)
      .field("Content", serialize_session_task(shell.content))
      .field("TaskId", shell.task_id)
      .field("Topic", shell.topic)
      .field("SchemaVersion", shell.schema_version)
      .end();
  return out;
}

std::string serialize(const AgentTaskComplete& complete) {
  std::string out;
  ObjectWriter(out)
      .field("SchemaVersion", complete.schema_version)
      .field("TaskId", complete.task_id)
      .field("Topic", complete.topic)
      .field("FinalTaskStatus", complete.final_task_status)
      .field("IsRoutingFailure", complete.is_routing_failure)
      .field("AwsAccountId", complete.aws_account_id)
      .field("InstanceId", complete.instance_id)
      .field("Output", complete.output)
      .field("S3Bucket", complete.s3_bucket)
      .field("S3UrlSuffix", complete.s3_url_suffix)
      .field("CwlGroup", complete.cwl_group)
      .field("CwlStream", complete.cwl_stream)
      .field("RetryNumber", complete.retry_number)
      .end();
  return out;
}

std::string serialize(const AgentTaskAcknowledge& acknowledge) {
  std::string out;
  ObjectWriter(out)
      .field("SchemaVersion", acknowledge.schema_version)
      .field("MessageId", acknowledge.message_id)
      .field("TaskId", acknowledge.task_id)
      .field("Topic", acknowledge.topic)
      .end();
  return out;
}

}  // namespace ssm::protocol
