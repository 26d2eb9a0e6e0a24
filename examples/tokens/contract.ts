/** A question, and an answer that comes token by token. */
import { type ClientEmits, type ClientListens, defineContract } from "bothways/contract";
import { z } from "zod";

export const contract = defineContract({
  toServer: {
    /** Asks, or goes on with an answer asked for before: `from` is the first token that is missing. */
    answer: z.object({
      id: z.uuid(),
      prompt: z.string().max(4000),
      from: z.number().int().nonnegative(),
    }),
  },
  toClient: {
    /** The token's index, and its text. */
    token: [z.number(), z.string()],
    done: [],
  },
});

export type ToClient = ClientListens<typeof contract>;
export type ToServer = ClientEmits<typeof contract>;
