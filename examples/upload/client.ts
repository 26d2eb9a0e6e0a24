/** Sends a file: `node examples/upload/client.ts FILE [URL]`. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { io } from "bothways/client";
import type { ToServer } from "./contract.ts";

const [path = process.argv[1] ?? "", url = "http://localhost:3000"] = process.argv.slice(2);
const socket = io<Record<never, never>, ToServer>(url);
const file = await open(path);
const { size } = await file.stat();
const hash = createHash("sha256");
/** So many parts may be on their way: enough to fill the line, and no more memory than that. */
const MAX_UNDER_WAY = 8;

const partBytes = await socket.emitWithAck("begin", size);
const underWay = new Set<Promise<unknown>>();
for (let offset = 0; offset < size; offset += partBytes) {
  const { buffer, bytesRead } = await file.read(new Uint8Array(partBytes), 0, partBytes, offset);
  const bytes = buffer.subarray(0, bytesRead);
  hash.update(bytes);
  if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
  const written: Promise<unknown> = socket
    .emitWithAck("part", offset, bytes)
    .then(() => underWay.delete(written));
  underWay.add(written);
}
await Promise.all(underWay);

const isWhole = (await socket.emitWithAck("end")) === hash.digest("hex");
console.log(isWhole ? `sent ${size} bytes` : "something went wrong");
await file.close();
socket.disconnect();
