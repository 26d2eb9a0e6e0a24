/**
 * What the mutation fuzzer feeds: each parser that meets bytes of a stranger, with all that must hold whatever they are.
 * A target returns what happened, as lines; the fuzzer keeps inputs whose lines are of a new kind.
 */

import { errorTable } from "../../src/model/errors.ts";
import { CodecSource } from "../../src/transport/node/deflate-codec.ts";
import {
  type ClosedEvent,
  type ConnectionHost,
  createConnection,
  type WebSocketConnection,
} from "../../src/wire/websocket/connection.ts";
import { DeflatedConnection, type DeflatedHost } from "../../src/wire/websocket/deflated-connection.ts";
import { parseExtensions } from "../../src/wire/websocket/extensions.ts";
import { Hixie76Connection } from "../../src/wire/websocket/hixie76.ts";
import { FrameOutput } from "../../src/wire/websocket/output.ts";
import type { Role } from "../../src/wire/websocket/parser.ts";
import { acceptDeflate, defaultDeflate } from "../../src/wire/websocket/permessage-deflate.ts";
import { ResponseHeadParser } from "../../src/wire/websocket/response-head.ts";
import { decodeFrames, hex, joinBytes, primitives } from "../wire/websocket/harness.ts";

export interface Target {
  readonly name: string;
  /** Which seeds are its: those whose name begins so. */
  readonly seeds: string;
  /** Feeds `bytes`, cut behind these offsets; throws where something that must hold does not. */
  run(bytes: Uint8Array, cuts: readonly number[]): string[];
}

const maxMessageBytes = 2_000;
const maxFragments = 50;
const codec = new CodecSource({ maxMessageBytes, level: 6, memLevel: 8 });

type Connect = (host: DeflatedHost, output: FrameOutput) => WebSocketConnection;

function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts, bytes.length];
  return ends.map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
}

function must(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

function feed(
  connect: Connect,
  bytes: Uint8Array,
  cuts: readonly number[],
  checkWritten: (all: Uint8Array) => void,
) {
  const lines: string[] = [];
  const written: Uint8Array[] = [];
  let endCount = 0;
  let closed: ClosedEvent | undefined;
  const tell = (line: string): void => {
    must(closed === undefined, `${line} after closed`);
    lines.push(line);
  };
  const host: ConnectionHost & DeflatedHost = {
    text: (data) => tell(`text ${data}`),
    textBytes: (data) => tell(`text ${Buffer.from(data)}`),
    binary: (data) => tell(`binary ${hex(data)}`),
    ping: (data) => tell(`ping ${hex(data)}`),
    pong: (data) => tell(`pong ${hex(data)}`),
    write: (data) => {
      must(endCount === 0, "bytes after the end");
      written.push(data.slice());
    },
    end: () => void endCount++,
    closed: (event) => {
      tell(`closed ${event.code} ${event.reason} ${event.wasClean ? "clean" : event.error}`);
      closed = event;
    },
    inputHeld: () => must(false, "a small message took its time"),
    outputHeld: () => must(false, "a small message took its time"),
  };
  const output = new FrameOutput(() => {});
  const connection = connect(host, output);
  let fed = 0;
  for (const piece of pieces(bytes, cuts)) {
    fed += piece.length;
    connection.receive(piece);
    const held = connection.gatheredBytes;
    must(held <= Math.min(4 * fed, maxMessageBytes), `${held} bytes held for ${fed}`);
  }
  connection.receiveEnd();
  output.flush();
  must(closed !== undefined, "not closed");
  must(endCount === 1, `${endCount} ends`);
  must(connection.gatheredBytes === 0, "something is held at the end");
  const error = closed?.error;
  must(error === undefined || error in errorTable, `${error} is not documented`);
  checkWritten(joinBytes(...written));
  return lines;
}

/** All that leaves is well-formed, and nothing behind a close frame. */
function checkFrames(role: Role): (all: Uint8Array) => void {
  return (all) => {
    const frames = decodeFrames(all);
    const isFine = frames.every((f) => f.isFinal && f.reserved === 0 && f.isMasked === (role === "client"));
    const closeAt = frames.findIndex(({ opcode }) => opcode === 8);
    must(isFine && (closeAt < 0 || closeAt === frames.length - 1), `badly written: ${hex(all)}`);
  };
}

function frameTarget(name: string, role: Role, connect: Connect): Target {
  return { name, seeds: role, run: (bytes, cuts) => feed(connect, bytes, cuts, checkFrames(role)) };
}

const options = (role: Role) => ({ role, maxMessageBytes, maxFragments, primitives }) as const;

export const targets: readonly Target[] = [
  frameTarget("server", "server", (host, output) => createConnection({ ...options("server"), output }, host)),
  frameTarget("client", "client", (host, output) => createConnection({ ...options("client"), output }, host)),
  frameTarget("server whose host wants bytes", "server", (host, output) =>
    createConnection(
      { ...options("server"), output, isUtf8: (bytes) => primitives.decodeUtf8(bytes) !== undefined },
      host,
    ),
  ),
  frameTarget("server with compression", "server", (host, output) => {
    const deflated = { ...options("server"), output, isDeflateAgreed: true, thresholdBytes: 0 } as const;
    return new DeflatedConnection(deflated, host, codec.codecFor("server", defaultDeflate));
  }),
  {
    name: "server of hixie-76",
    seeds: "hixie",
    run: (bytes, cuts) =>
      feed(
        (host, output) => new Hixie76Connection({ ...options("server"), output }, host),
        bytes,
        cuts,
        (all) => must(["", "ff00"].includes(hex(all)), `badly written: ${hex(all)}`),
      ),
  },
  {
    name: "head of a response",
    seeds: "head",
    run(bytes, cuts) {
      const parser = new ResponseHeadParser(300);
      for (const piece of pieces(bytes, cuts)) {
        const result = parser.feed(piece);
        if (result === undefined) continue;
        must(result.ok || result.code in errorTable, "not documented");
        return [result.ok ? `head ${JSON.stringify(result.head)}` : `closed ${result.code}`];
      }
      return ["closed incomplete"];
    },
  },
  {
    name: "extensions",
    seeds: "extensions",
    run(bytes) {
      const offers = parseExtensions(Buffer.from(bytes).toString("latin1"));
      if (offers === undefined) return ["closed malformed"];
      const accepted = acceptDeflate(offers, defaultDeflate);
      return [`offers ${offers.length}`, `closed ${JSON.stringify(accepted?.agreed)}`];
    },
  },
];
