/** The parts of a small world: what a side has seen, and what is on its way between the two. */
import type { Data, Message } from "../../src/model/message.ts";
import type { Link, LinkHandler } from "../../src/model/transport.ts";
import type { Post } from "../../src/transport/client/exchanges.ts";

/** What a side has seen, in 53 bits. */
export class History {
  #low = 0x811c9dc5;
  #high = 0x1234567;

  add(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      this.#low = Math.imul(this.#low ^ code, 0x01000193);
      this.#high = Math.imul(this.#high ^ code, 0x5bd1e995) ^ (this.#high >>> 13);
    }
    this.#low = Math.imul(this.#low ^ 0x2f, 0x01000193);
  }

  get value(): number {
    return (this.#high & 0x1fffff) * 4_294_967_296 + (this.#low >>> 0);
  }
}

/** One dial: a WebSocket, or what HTTP exchanges make of a link. */
export interface Dial {
  readonly index: number;
  readonly isHedge: boolean;
  link: Link | undefined;
  sid: string;
  isOver: boolean;
  up: Data[][];
  down: (Data[] | number)[];
  isCut: boolean;
  /** Who still has to be told that it was cut. */
  farIsTold: boolean;
  far: SmallEnd | undefined;
  farHandler: LinkHandler | undefined;
  upClosed: number | undefined;
  exchanges: SmallExchange[];
}

export interface SmallExchange {
  readonly body: Uint8Array;
  readonly answered: Parameters<Post>[2];
  /** Copies of the request on their way; the answer of all but the last that arrives goes to nobody. */
  requests: number;
  answer: { status: number; frames: readonly Data[] } | undefined;
  isFailed: boolean;
  isDone: boolean;
}

export class SmallEnd implements Link {
  readonly transport = "websocket";
  readonly rewinds = false;
  isOver = false;
  readonly #send: (frames: Data[]) => void;
  readonly #close: (code: number) => void;
  #batch: Data[] = [];

  constructor(send: (frames: Data[]) => void, close: (code: number) => void) {
    this.#send = send;
    this.#close = close;
  }

  send({ data }: Message): void {
    this.#batch.push(data);
  }

  flush(): void {
    if (this.#batch.length > 0) this.#send(this.#batch);
    this.#batch = [];
  }

  close(code: number): void {
    if (this.isOver) return;
    this.flush();
    this.isOver = true;
    this.#close(code);
  }
}
