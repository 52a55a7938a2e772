#include <array>

#include "ssm/service/document_parser.hpp"

/// Session documents that every account has. Names, parameters, defaults and patterns are those
/// that AWS shows in its console and documentation; where the content is not public (said at the
/// document) it is made from what the agent and the plugin read.
namespace ssm::service {
namespace {

// clang-format off
/// Preferences of plain shell sessions, as the console first saves them. The three switches that
/// are true have no effect without a bucket or log group.
//= SVC-010
constexpr std::string_view run_shell = R"({
  "schemaVersion": "1.0",
  "description": "Document to hold regional settings for Session Manager",
  "sessionType": "Standard_Stream",
  "inputs": {
    "s3BucketName": "",
    "s3KeyPrefix": "",
    "s3EncryptionEnabled": true,
    "cloudWatchLogGroupName": "",
    "cloudWatchEncryptionEnabled": true,
    "cloudWatchStreamingEnabled": true,
    "idleSessionTimeout": "20",
    "maxSessionDuration": "",
    "kmsKeyId": "",
    "runAsEnabled": false,
    "runAsDefaultUser": "",
    "shellProfile": {"windows": "", "linux": ""}
  }
})";

/// No `type`: the agent and the plugin then pipe one connection through standard input and output.
//= DOC-002
constexpr std::string_view ssh = R"({
  "schemaVersion": "1.0",
  "description": "Document to start a session over SSH",
  "sessionType": "Port",
  "parameters": {
    "portNumber": {
      "type": "String",
      "description": "(Optional) Port number of SSH server on the instance",
      "allowedPattern": "^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
      "default": "22"
    }
  },
  "properties": {
    "portNumber": "{{ portNumber }}"
  }
})";

//= DOC-003
constexpr std::string_view port_forwarding = R"({
  "schemaVersion": "1.0",
  "description": "Document to start a port forwarding session over Session Manager",
  "sessionType": "Port",
  "parameters": {
    "portNumber": {
      "type": "String",
      "description": "(Optional) Port number of the server on the instance",
      "allowedPattern": "^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
      "default": "80"
    },
    "localPortNumber": {
      "type": "String",
      "description": "(Optional) Port number on local machine to forward traffic to. An open port is chosen at run-time if not provided",
      "allowedPattern": "^([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
      "default": "0"
    }
  },
  "properties": {
    "portNumber": "{{ portNumber }}",
    "type": "LocalPortForwarding",
    "localPortNumber": "{{ localPortNumber }}"
  }
})";

/// The pattern of `host` is not public; this one keeps out what no name or address has.
//= DOC-004
constexpr std::string_view port_forwarding_to_remote_host = R"({
  "schemaVersion": "1.0",
  "description": "Document to start a port forwarding session over Session Manager to a remote host",
  "sessionType": "Port",
  "parameters": {
    "portNumber": {
      "type": "String",
      "description": "(Optional) Port number of the server on the instance",
      "allowedPattern": "^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
      "default": "80"
    },
    "localPortNumber": {
      "type": "String",
      "description": "(Optional) Port number on local machine to forward traffic to. An open port is chosen at run-time if not provided",
      "allowedPattern": "^([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
      "default": "0"
    },
    "host": {
      "type": "String",
      "description": "Hostname or IP address of the destination server",
      "allowedPattern": "^[^\\s,$^&()!;'\"<>`{}\\[\\]|#=]{1,255}$"
    }
  },
  "properties": {
    "portNumber": "{{ portNumber }}",
    "type": "LocalPortForwarding",
    "localPortNumber": "{{ localPortNumber }}",
    "host": "{{ host }}"
  }
})";

/// Content not public. The plugin listens on a Unix socket when localConnectionType is `unix`
/// (session-manager-plugin src/sessionmanagerplugin/session/portsession/muxportforwarding.go), and
/// what it needs then is the socket's path; the agent's side is that of a port.
constexpr std::string_view port_forwarding_to_socket = R"({
  "schemaVersion": "1.0",
  "description": "Document to start a port forwarding session over Session Manager to a local Unix socket",
  "sessionType": "Port",
  "parameters": {
    "portNumber": {
      "type": "String",
      "description": "(Optional) Port number of the server on the instance",
      "allowedPattern": "^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
      "default": "80"
    },
    "localUnixSocket": {
      "type": "String",
      "description": "Path of the Unix socket on local machine to forward traffic to",
      "allowedPattern": "^[^\\x00]{1,107}$"
    },
    "localConnectionType": {
      "type": "String",
      "description": "(Optional) Kind of the local end",
      "allowedValues": ["unix"],
      "default": "unix"
    }
  },
  "properties": {
    "portNumber": "{{ portNumber }}",
    "type": "LocalPortForwarding",
    "localConnectionType": "{{ localConnectionType }}",
    "localUnixSocket": "{{ localUnixSocket }}"
  }
})";

/// Exact texts not public.
//= DOC-005
constexpr std::string_view interactive_command = R"({
  "schemaVersion": "1.0",
  "description": "Document to run single interactive command on an instance",
  "sessionType": "InteractiveCommands",
  "parameters": {
    "command": {
      "type": "String",
      "description": "The command to run on the instance"
    }
  },
  "properties": {
    "windows": {"commands": "{{ command }}", "runAsElevated": false},
    "macos": {"commands": "{{ command }}", "runAsElevated": false},
    "linux": {"commands": "{{ command }}", "runAsElevated": false}
  }
})";

/// Exact texts not public.
//= DOC-006
constexpr std::string_view non_interactive_command = R"({
  "schemaVersion": "1.0",
  "description": "Document to run single non-interactive command on an instance",
  "sessionType": "NonInteractiveCommands",
  "parameters": {
    "command": {
      "type": "String",
      "description": "The command to run on the instance"
    },
    "separateOutputStream": {
      "type": "String",
      "description": "(Optional) Whether standard output and standard error come apart",
      "allowedValues": ["true", "false"],
      "default": "false"
    },
    "stdOutSeparatorPrefix": {
      "type": "String",
      "description": "(Optional) Text before each piece of standard output",
      "default": ""
    },
    "stdErrSeparatorPrefix": {
      "type": "String",
      "description": "(Optional) Text before each piece of standard error",
      "default": ""
    }
  },
  "properties": {
    "windows": {
      "commands": "{{ command }}",
      "runAsElevated": false,
      "separateOutputStream": "{{ separateOutputStream }}",
      "stdOutSeparatorPrefix": "{{ stdOutSeparatorPrefix }}",
      "stdErrSeparatorPrefix": "{{ stdErrSeparatorPrefix }}"
    },
    "macos": {
      "commands": "{{ command }}",
      "runAsElevated": false,
      "separateOutputStream": "{{ separateOutputStream }}",
      "stdOutSeparatorPrefix": "{{ stdOutSeparatorPrefix }}",
      "stdErrSeparatorPrefix": "{{ stdErrSeparatorPrefix }}"
    },
    "linux": {
      "commands": "{{ command }}",
      "runAsElevated": false,
      "separateOutputStream": "{{ separateOutputStream }}",
      "stdOutSeparatorPrefix": "{{ stdOutSeparatorPrefix }}",
      "stdErrSeparatorPrefix": "{{ stdErrSeparatorPrefix }}"
    }
  }
})";

/// Content not public.
constexpr std::string_view password_reset = R"({
  "schemaVersion": "1.0",
  "description": "Document to reset the password of a user on an instance",
  "sessionType": "InteractiveCommands",
  "parameters": {
    "username": {
      "type": "String",
      "description": "Name of the user whose password is reset",
      "allowedPattern": "^[a-zA-Z0-9_.][a-zA-Z0-9_.-]{0,63}$"
    }
  },
  "properties": {
    "windows": {"commands": "net user {{ username }} *", "runAsElevated": true},
    "macos": {"commands": "passwd {{ username }}", "runAsElevated": true},
    "linux": {"commands": "passwd {{ username }}", "runAsElevated": true}
  }
})";

/// What ECS starts its ExecuteCommand sessions with. Content not public.
constexpr std::string_view ecs_interactive_command = R"({
  "schemaVersion": "1.0",
  "description": "Document to run an interactive command in a container",
  "sessionType": "InteractiveCommands",
  "parameters": {
    "command": {
      "type": "String",
      "description": "The command to run in the container"
    }
  },
  "properties": {
    "windows": {"commands": "{{ command }}", "runAsElevated": true},
    "linux": {"commands": "{{ command }}", "runAsElevated": true}
  }
})";
// clang-format on

constexpr std::array documents = {
    DocumentText{default_document_name, run_shell},
    DocumentText{"AWS-StartSSHSession", ssh},
    DocumentText{"AWS-StartPortForwardingSession", port_forwarding},
    DocumentText{"AWS-StartPortForwardingSessionToRemoteHost", port_forwarding_to_remote_host},
    DocumentText{"AWS-StartPortForwardingSessionToSocket", port_forwarding_to_socket},
    DocumentText{"AWS-StartInteractiveCommand", interactive_command},
    DocumentText{"AWS-StartNonInteractiveCommand", non_interactive_command},
    DocumentText{"AWS-PasswordReset", password_reset},
    DocumentText{"AmazonECS-ExecuteInteractiveCommand", ecs_interactive_command},
};

}  // namespace

//= DOC-001
std::span<const DocumentText> aws_documents() {
  return documents;
}

}  // namespace ssm::service
