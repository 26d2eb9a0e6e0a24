/**
 * What every client goes through, on the standard's API alone, against a server that answers as `echo-server.ts` says. One
 * function that needs nothing around it: it runs in this process, in Bun, and in a page of Chromium.
 */

/** What the exercise needs of a WebSocket; those of browsers, Node, Bun, `ws`, faye and ours have it. */
export interface StandardSocket {
  binaryType: string;
  readonly protocol: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** What a client has seen. */
export interface Report {
  readonly protocol: string;
  /** Which texts and bytes came back as they were, each by its length. */
  readonly texts: readonly number[];
  readonly bytes: readonly number[];
  readonly fragments: string;
  readonly ponged: string;
  readonly closedByServer: Closed;
  readonly closedByClient: Closed;
  readonly closedWithoutCode: Closed;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

const lengths: readonly number[] = [0, 1, 125, 126, 65_535, 65_536, 1_048_576];

/** What a report says when all is well; in texts the last character takes four bytes. */
export const expected: Report = {
  protocol: "two",
  texts: lengths,
  bytes: lengths,
  fragments: "ünïcode 😀 in parts",
  ponged: "ponged: here?",
  closedByServer: { code: 4001, reason: "enough ü", wasClean: true },
  closedByClient: { code: 4002, reason: "", wasClean: true },
  closedWithoutCode: { code: 1005, reason: "", wasClean: true },
};

/** Without `Class`, with the global WebSocket: a page of a browser is handed no class. */
export async function exercise({
  Class = globalThis.WebSocket,
  url,
}: {
  Class?: new (url: string, protocols?: string[]) => StandardSocket;
  url: string;
}): Promise<Report> {
  // Once more, since a page knows nothing of this file.
  const lengths = [0, 1, 125, 126, 65_535, 65_536, 1_048_576];
  const connect = async (): Promise<StandardSocket> => {
    const socket = new Class(url, ["one", "two"]);
    socket.binaryType = "arraybuffer";
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error("it did not open"));
    });
    return socket;
  };
  const next = (socket: StandardSocket): Promise<string | ArrayBuffer> =>
    new Promise((resolve, reject) => {
      socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => resolve(data);
      socket.onclose = ({ code }: { code: number }) => reject(new Error(`closed with ${code}`));
    });
  const closed = (socket: StandardSocket): Promise<Closed> =>
    new Promise((resolve) => {
      socket.onclose = ({ code, reason, wasClean }: Closed) => resolve({ code, reason, wasClean });
    });
  const ask = async (
    socket: StandardSocket,
    data: string | Uint8Array<ArrayBuffer>,
  ): Promise<string | ArrayBuffer> => {
    const answer = next(socket);
    socket.send(data);
    return answer;
  };

  const socket = await connect();
  const { protocol } = socket;
  const texts: number[] = [];
  for (const length of lengths) {
    // In UTF-8 so many bytes.
    const text = length < 4 ? "x".repeat(length) : `${"y".repeat(length - 4)}😀`;
    if ((await ask(socket, text)) === text) texts.push(length);
  }
  const bytes: number[] = [];
  for (const length of lengths) {
    const sent = Uint8Array.from({ length }, (_, i) => i * 7);
    const back = new Uint8Array((await ask(socket, sent)) as ArrayBuffer);
    if (back.length === length && back.every((byte, i) => byte === sent[i])) bytes.push(length);
  }
  const fragments = String(await ask(socket, "/fragments"));
  const ponged = String(await ask(socket, "/ping"));
  const byServer = closed(socket);
  socket.send("/close");
  const closedByServer = await byServer;

  const second = await connect();
  const byClient = closed(second);
  second.close(4002, "enough");
  const closedByClient = await byClient;

  const third = await connect();
  const withoutCode = closed(third);
  third.close();
  return {
    protocol,
    texts,
    bytes,
    fragments,
    ponged,
    closedByServer,
    // Does the answer repeat the reason? Some servers say it back, ours does not.
    closedByClient: { ...(await closedByClient), reason: "" },
    closedWithoutCode: await withoutCode,
  };
}
