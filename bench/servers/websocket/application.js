/**
 * What every WebSocket server under test does: sends each message back, or to everybody. What an application would
 * leave to the library is left to it, but for limits that a work passes, which are the same for all.
 *
 * @import { Application } from "../../works.ts"
 */

/** @type {Application} As the run gave it. */
export const application = JSON.parse(process.argv[2] ?? "{}");

/** Messages of a whole work may wait for a reader, in bytes. */
export const maxBufferedBytes = 64 * 1_048_576;
export const maxMessageBytes = 1_048_576;
