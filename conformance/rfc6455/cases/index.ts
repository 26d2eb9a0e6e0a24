/** All cases, in the order they are printed in. */
import type { Case } from "../case.ts";
import { closing } from "./closing.ts";
import { compression } from "./compression.ts";
import { control } from "./control.ts";
import { fragmentation } from "./fragmentation.ts";
import { framing } from "./framing.ts";
import { handshake } from "./handshake.ts";
import { headerBits } from "./header-bits.ts";
import { limits } from "./limits.ts";
import { utf8 } from "./utf8.ts";

export const cases: readonly Case[] = [
  ...framing,
  ...control,
  ...headerBits,
  ...fragmentation,
  ...utf8,
  ...closing,
  ...limits,
  ...handshake,
  ...compression,
];
