/** A file in parts, each acknowledged. */
import { type ClientEmits, defineContract } from "bothways/contract";
import { z } from "zod";

/** The most that one part may hold. */
export const PART_BYTES = 65_536;

export const contract = defineContract({
  toServer: {
    /** Begins a file of so many bytes; a socket sends one at a time. Answered with the most that a part may hold. */
    begin: { args: z.number().int().positive().max(100_000_000), ack: z.number() },
    /** Where bytes belong, and the bytes. Answered with their number when they are written. */
    part: {
      args: [
        z.number().int().nonnegative(),
        z.instanceof(Uint8Array).refine((bytes) => bytes.length <= PART_BYTES),
      ],
      ack: z.number(),
    },
    /** Answered with the SHA-256 of what was written. */
    end: { args: [], ack: z.string() },
  },
});

export type ToServer = ClientEmits<typeof contract>;
