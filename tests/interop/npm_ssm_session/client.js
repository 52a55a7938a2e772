// A shell from the npm packages ssm-session and ws, glued together as the README of ssm-session
// shows: every message is acknowledged, even acknowledgements; text comes from stdin, output goes
// to stdout. SSM_STREAM_URL and SSM_TOKEN are those of StartSession's response.
"use strict";

const WebSocket = require("ws");
const { ssm } = require("ssm-session");

const size = { rows: 34, cols: 197 };
const encoder = new TextEncoder();
const socket = new WebSocket(process.env.SSM_STREAM_URL);
socket.binaryType = "arraybuffer";

socket.on("open", () => {
  ssm.init(socket, { token: process.env.SSM_TOKEN, termOptions: size });
  process.stdin.on("data", (data) => ssm.sendText(socket, encoder.encode(data.toString("utf8"))));
});

socket.on("message", (data) => {
  const message = ssm.decode(data);
  ssm.sendACK(socket, message);
  if (message.payloadType === 1) {
    process.stdout.write(Buffer.from(message.payload));
  } else if (message.payloadType === 17) {
    ssm.sendInitMessage(socket, size);
  } else if (message.messageType === "channel_closed") {
    process.stdout.write("[channel closed]\n");
    process.exit(0);
  }
});

socket.on("error", (error) => {
  process.stderr.write(`${error}\n`);
  process.exitCode = 1;
});
socket.on("close", () => process.exit());
