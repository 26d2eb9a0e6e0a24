/** What every page of the browser tests runs: a socket of the bundle under test, and a count of what it heard. */
import * as bothways from "/bundle.js";

window.bothways = bothways;
window.heard = [];
window.log = [];

/**
 * The bundle with all techniques hands them over as values. A busy machine is slow to begin a stream.
 *
 * @param {string} name
 */
const named = (name) => {
  const { techniques } = window.bothways;
  if (!techniques) return name;
  const patient = { firstFrameTimeout: 10_000 };
  /** @type {Record<string, () => import("bothways/client").ClientTransport>} */
  const factories = {
    websocket: techniques.webSocket,
    stream: () => techniques.stream(patient),
    sse: () => techniques.sse(patient),
    multipart: () => techniques.multipart(patient),
    iframe: () => techniques.iframe(patient),
    jsonp: techniques.jsonp,
    "long-polling": techniques.longPolling,
    "short-polling": () => techniques.shortPolling({ interval: 20 }),
  };
  return factories[name]?.() ?? name;
};

window.begin = (url, { transports, ...options } = {}) => {
  const socket = bothways.io(url, {
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
    maxBufferedBytes: 16 * 1024 * 1024,
    ...options,
    // `bothways/client/core` knows no transports by name
    transports: bothways.webSocket ? [bothways.webSocket()] : transports?.map(named),
  });
  window.socket = socket;
  socket.on("down", (number) => window.heard.push(number));
  socket.on("echo", (...values) => values.slice(0, -1));
  socket.on("connect", () => window.log.push(socket.recovered ? "recovered" : "connect"));
  socket.on("connect_error", (error) => window.log.push(`connect_error ${error.message}`));
  socket.on("disconnect", (reason) => window.log.push(`disconnect ${reason}`));
  socket.on("gap", ({ reason }) => window.log.push(`gap ${reason}`));
  socket.io.on("transport", (name) => name && window.log.push(name));
};

window.talk = (count, everyMs) =>
  new Promise((resolve) => {
    let number = 0;
    const timer = setInterval(() => {
      window.socket.emit("up", ++number);
      if (number < count || window.isBusy) return;
      clearInterval(timer);
      resolve(number);
    }, everyMs);
  });
