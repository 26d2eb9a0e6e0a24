/** The ways in which a connection that is sent any frames may end: `clean` by a close frame, or by an error. */
export const frameEnds: readonly string[] = [
  "clean",
  "BW_WS_ABNORMAL",
  "BW_WS_RESERVED_BITS",
  "BW_WS_OPCODE",
  "BW_WS_CONTINUATION",
  "BW_WS_MASK",
  "BW_WS_LENGTH",
  "BW_WS_UTF8",
  "BW_WS_CONTROL_FRAME",
  "BW_WS_CLOSE_CODE",
  "BW_MESSAGE_TOO_LARGE",
];
