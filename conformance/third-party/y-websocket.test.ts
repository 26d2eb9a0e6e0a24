/** Yjs: y-websocket as client, and a server made of y-protocols, as its own is, on ours. */

import type { WebSocket } from "bothways/websocket";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import * as sync from "y-protocols/sync";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { type Engine, engines, pairs, serve, urlOf } from "../engines.ts";

const kinds = { sync: 0, awareness: 1 } as const;

/** One document, and who has it open. */
class Room {
  readonly doc = new Y.Doc();
  readonly #awareness = new Awareness(this.doc);
  readonly #sockets = new Map<WebSocket, Set<number>>();

  constructor() {
    this.#awareness.setLocalState(null);
    this.doc.on("update", (update: Uint8Array) =>
      this.#broadcast(kinds.sync, (encoder) => sync.writeUpdate(encoder, update)),
    );
    this.#awareness.on(
      "update",
      ({ added, updated, removed }: Record<"added" | "updated" | "removed", number[]>, origin: WebSocket) => {
        for (const id of added) this.#sockets.get(origin)?.add(id);
        const update = encodeAwarenessUpdate(this.#awareness, [...added, ...updated, ...removed]);
        this.#broadcast(kinds.awareness, (encoder) => encoding.writeVarUint8Array(encoder, update));
      },
    );
  }

  join(socket: WebSocket): void {
    socket.binaryType = "arraybuffer";
    this.#sockets.set(socket, new Set());
    socket.on("message", (data) => this.#receive(socket, new Uint8Array(data as ArrayBuffer)));
    socket.on("close", () => {
      const ids = this.#sockets.get(socket) ?? [];
      this.#sockets.delete(socket);
      removeAwarenessStates(this.#awareness, [...ids], null);
    });
    socket.send(write(kinds.sync, (encoder) => sync.writeSyncStep1(encoder, this.doc)));
  }

  close(): void {
    this.#awareness.destroy();
  }

  #receive(socket: WebSocket, bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes);
    if (decoding.readVarUint(decoder) === kinds.awareness)
      return applyAwarenessUpdate(this.#awareness, decoding.readVarUint8Array(decoder), socket);
    const answer = encoding.createEncoder();
    encoding.writeVarUint(answer, kinds.sync);
    sync.readSyncMessage(decoder, answer, this.doc, socket);
    if (encoding.length(answer) > 1) socket.send(encoding.toUint8Array(answer));
  }

  #broadcast(kind: number, content: (encoder: encoding.Encoder) => void): void {
    const bytes = write(kind, content);
    for (const socket of this.#sockets.keys()) socket.send(bytes);
  }
}

function write(kind: number, content: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, kind);
  content(encoder);
  return encoding.toUint8Array(encoder);
}

async function start({ server, client }: { server: Engine; client: Engine }) {
  const wss = await serve(server);
  const room = new Room();
  wss.on("connection", (socket) => room.join(socket));
  const open = (): { doc: Y.Doc; provider: WebsocketProvider } => {
    const doc = new Y.Doc();
    const provider = new WebsocketProvider(urlOf(wss, ""), "room", doc, {
      WebSocketPolyfill: engines[client].WebSocket as never,
      disableBc: true,
      maxBackoffTime: 10,
    });
    onTestFinished(() => {
      provider.destroy();
      provider.awareness.destroy();
    });
    return { doc, provider };
  };
  onTestFinished(() => room.close());
  return { wss, room, open };
}

/** Waits until `is` holds, asked whenever the document changes. */
function until(doc: Y.Doc, is: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!is()) return;
      doc.off("update", look);
      resolve();
    };
    doc.on("update", look);
    look();
  });
}

describe.each(pairs)("Yjs, a server of $server and clients of $client", (pair) => {
  test("two that write at once end with the same text, and so does one who comes later", async () => {
    const { open } = await start(pair);
    const [one, two] = [open(), open()];
    for (let i = 0; i < 200; i++) {
      one.doc.getText("t").insert(0, "a");
      two.doc.getText("t").insert(0, "b");
    }
    await Promise.all([one, two].map(({ doc }) => until(doc, () => doc.getText("t").length === 400)));
    expect(one.doc.getText("t").toString()).toBe(two.doc.getText("t").toString());
    const late = open();
    await until(late.doc, () => late.doc.getText("t").length === 400);
    expect(late.doc.getText("t").toString()).toBe(one.doc.getText("t").toString());
  });

  test("what was written while the connection was gone arrives when it is back", async () => {
    const { wss, open, room } = await start(pair);
    const one = open();
    await new Promise((resolve) => one.provider.once("sync", resolve));
    for (const socket of wss.clients ?? []) socket.terminate();
    await new Promise((resolve) => one.provider.once("status", resolve));
    one.doc.getMap("m").set("key", "offline");
    await until(room.doc, () => room.doc.getMap("m").get("key") === "offline");
  });

  test("each sees who else is there, and who has left", async () => {
    const { open } = await start(pair);
    const [one, two] = [open(), open()];
    const seen = (): unknown => two.provider.awareness.getStates().get(one.doc.clientID)?.name;
    const change = (is: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (is()) resolve();
        };
        two.provider.awareness.on("change", look);
        look();
      });
    one.provider.awareness.setLocalStateField("name", "Ada");
    await change(() => seen() === "Ada");
    one.provider.disconnect();
    await change(() => seen() === undefined);
  });
});
