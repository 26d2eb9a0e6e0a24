/**
 * The life of a socket, as a table.
 *
 *   joining   middleware runs; nothing may be sent
 *   joined    the client was told, and has not yet shown that it knows
 *   opening   `connection` is being raised
 *   open      events are handled as they come
 *   leaving   `disconnecting` is being raised; rooms are still there, nothing may be sent
 *   left      for good
 */
export type SocketState = "joining" | "joined" | "opening" | "open" | "leaving" | "left";

/** `gone`: the reasons to leave have been told; every other one is what its name says. */
export type SocketInput = "accept" | "confirm" | "opened" | "leave" | "gone";

/** A pair that is not here is ignored. A socket that never was open leaves without a word. */
export const socketTransitions: Record<SocketState, Partial<Record<SocketInput, SocketState>>> = {
  joining: { accept: "joined", leave: "left" },
  joined: { confirm: "opening", leave: "left" },
  opening: { opened: "open", leave: "leaving" },
  open: { leave: "leaving" },
  leaving: { gone: "left" },
  left: {},
};
