/** What the chat's clients and server say to each other. */
import { type ClientEmits, type ClientListens, defineContract } from "bothways/contract";
import { z } from "zod";

const name = z.string().trim().min(1).max(30);

export const contract = defineContract({
  toServer: {
    /** Answered with the names of all who are there. */
    enter: { args: name, ack: z.array(z.string()) },
    say: z.string().max(1000),
  },
  toClient: {
    entered: name,
    said: [name, z.string()],
    left: name,
  },
});

export type ToClient = ClientListens<typeof contract>;
export type ToServer = ClientEmits<typeof contract>;
