/** Reads a whole event stream as WHATWG HTML §9.2.6 says, with none of our own code. */

export interface ReadEvent {
  readonly event: string;
  /** `lastEventId` as of then. */
  readonly id: string;
  readonly data: string;
}

export function readEventStream(stream: string): { events: ReadEvent[]; retryMs?: number } {
  const result: { events: ReadEvent[]; retryMs?: number } = { events: [] };
  let [data, event, id] = ["", "", ""];
  const lines = stream.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  // the last line has no end
  for (const line of lines.slice(0, -1)) {
    if (line === "") {
      if (data !== "") result.events.push({ event: event || "message", id, data: data.replace(/\n$/, "") });
      [data, event] = ["", ""];
      continue;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data += `${value}\n`;
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "retry" && /^\d+$/.test(value)) result.retryMs = Number(value);
  }
  return result;
}
