/** Who watches which prices. */
import { type ClientEmits, type ClientListens, defineContract } from "bothways/contract";
import { z } from "zod";

const ticker = z.enum(["ACME", "GLOBEX", "INITECH"]);

export type Ticker = z.infer<typeof ticker>;

export const contract = defineContract({
  toServer: {
    /** Answered with the price there is now. */
    watch: { args: ticker, ack: z.number() },
    unwatch: ticker,
  },
  toClient: { price: [ticker, z.number()] },
});

export type ToClient = ClientListens<typeof contract>;
export type ToServer = ClientEmits<typeof contract>;
