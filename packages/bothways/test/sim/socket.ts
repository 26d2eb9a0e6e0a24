/**
 * A WebSocket of the simulated network. What one end sends arrives at the other in order, in one piece or frame by frame,
 * until it breaks; whether either end is told of that is another matter.
 */
import type { Data, Message } from "../../src/model/message.ts";
import type { Link, LinkHandler } from "../../src/model/transport.ts";
import type { Network } from "./network.ts";
import type { Process } from "./schedule.ts";

/** A sender is told to wait when this much of what it sent has not arrived. */
const maxQueued = 12;

/** A WebSocket: two pipes, and an end at either. */
export class Socket {
  isDead = false;
  readonly near: SocketEnd;
  readonly far: SocketEnd;
  readonly #network: Network;
  readonly #up: Pipe;
  readonly #down: Pipe;

  constructor(network: Network, handler: LinkHandler) {
    this.#network = network;
    this.#up = new Pipe(network, network.host.process, network.process);
    this.#down = new Pipe(network, network.process, network.host.process);
    this.near = new SocketEnd(this.#up, handler);
    this.far = new SocketEnd(this.#down, undefined);
    this.#up.from = this.#down.to = this.near;
    this.#up.to = this.#down.from = this.far;
  }

  open(hello: string): void {
    this.#up.push({
      run: () => {
        this.far.handler = this.#network.host.connect(this.far, hello, this.#network);
        // the 101 answer opens the client's end, in one write with what there is to say
        this.#down.push({ run: () => this.near.opened() });
        this.far.handler.receive(hello);
        this.far.handler.received();
        this.far.flush();
      },
    });
  }

  cut(): void {
    const { world } = this.#network;
    this.isDead = true;
    for (const pipe of [this.#up, this.#down]) {
      pipe.loseTail(world.random.float());
      // one side may learn of it much later, or only by what it does not hear
      if (world.random.chance(0.85)) pipe.end(undefined, world.random.pick([0, 100, 3000]));
      pipe.isSilent = true;
    }
  }

  reset(): void {
    this.isDead = true;
    this.#down.loseTail(1);
    this.#down.end(undefined, 0);
    this.#down.isSilent = true;
    this.#up.loseTail(0);
    this.#up.isSilent = true;
  }

  halfOpen(up: boolean, down: boolean): void {
    for (const pipe of [...(up ? [this.#up] : []), ...(down ? [this.#down] : [])]) {
      pipe.loseTail(this.#network.world.random.float());
      pipe.isSilent = true;
    }
    if (up && down) this.isDead = true;
  }

  stall(untilMs: number, up: boolean, down: boolean): void {
    if (up) this.#up.stalledUntil = untilMs;
    if (down) this.#down.stalledUntil = untilMs;
  }
}

/** What moves in one piece: frames, or something to do at the other end. */
interface Item {
  readonly frames?: readonly Data[];
  readonly run?: () => void;
  at?: number;
}

class Pipe {
  from: SocketEnd | undefined;
  to: SocketEnd | undefined;
  isSilent = false;
  stalledUntil = 0;
  readonly #network: Network;
  readonly #receiver: Process;
  readonly #sender: Process;
  #items: Item[] = [];
  #lastAt = 0;
  #lost = 0;
  #isBlocked = false;

  constructor(network: Network, receiver: Process, sender: Process) {
    this.#network = network;
    this.#receiver = receiver;
    this.#sender = sender;
  }

  sendFrames(frames: readonly Data[]): void {
    const { random, plan } = this.#network.world;
    if (frames.length > 1 && random.chance(plan.splitRate))
      for (const frame of frames) this.push({ frames: [frame] });
    else this.push({ frames });
  }

  push(item: Item): void {
    const { schedule } = this.#network.world;
    if (this.isSilent) {
      this.#lose(item);
    } else {
      item.at = Math.max(schedule.now + this.#network.latency(), this.#lastAt, this.stalledUntil);
      this.#lastAt = item.at;
      this.#items.push(item);
      schedule.at(item.at, this.#receiver, () => this.#pump());
    }
    if (this.#items.length + this.#lost > maxQueued && !this.#isBlocked) {
      this.#isBlocked = true;
      this.from?.handler?.blocked();
    }
  }

  end(code: number | undefined, delayMs: number): void {
    const { schedule } = this.#network.world;
    const item = { run: () => this.to?.lose(code), at: Math.max(this.#lastAt, schedule.now + delayMs) };
    this.#lastAt = item.at;
    this.#items.push(item);
    schedule.at(item.at, this.#receiver, () => this.#pump());
  }

  /** What is on its way gets through up to a part of it. */
  loseTail(part: number): void {
    const lost = this.#items.splice(Math.ceil(this.#items.length * part));
    for (const item of lost) this.#lose(item);
  }

  #lose(item: Item): void {
    this.#lost++;
    for (const frame of item.frames ?? []) this.#network.world.observer.lostFrame(frame);
  }

  #pump(): void {
    const { schedule, observer } = this.#network.world;
    const { now } = schedule;
    if (now < this.stalledUntil) {
      schedule.at(this.stalledUntil, this.#receiver, () => this.#pump());
      return;
    }
    for (let item = this.#items[0]; item && (item.at ?? 0) <= now; item = this.#items[0]) {
      this.#items.shift();
      if (this.stalledUntil > 0) observer.mark("stall then resume");
      if (item.run) item.run();
      else this.to?.receive(item.frames ?? []);
    }
    if (this.#isBlocked && this.#items.length <= maxQueued / 2 && this.#lost === 0) {
      this.#isBlocked = false;
      schedule.after(0, this.#sender, () => {
        if (this.from && !this.from.isOver) this.from.handler?.writable();
      });
    }
  }
}

/** One end of a WebSocket, as the drivers know it. */
export class SocketEnd implements Link {
  readonly transport = "websocket";
  readonly rewinds = false;
  isOver = false;
  handler: LinkHandler | undefined;
  /** Looks at what is sent, and may change it. */
  onSend: ((data: Data) => Data) | undefined;
  readonly #out: Pipe;
  #batch: Data[] = [];

  constructor(out: Pipe, handler: LinkHandler | undefined) {
    this.#out = out;
    this.handler = handler;
  }

  send({ data }: Message): void {
    this.#batch.push(this.onSend?.(data) ?? data);
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    const frames = this.#batch;
    this.#batch = [];
    this.#out.sendFrames(frames);
  }

  close(code: number, _reason: string): void {
    if (this.isOver) return;
    this.flush();
    this.isOver = true;
    if (!this.#out.isSilent) this.#out.push({ run: () => this.#out.to?.lose(code) });
  }

  opened(): void {
    if (!this.isOver) this.handler?.writable();
  }

  receive(frames: readonly Data[]): void {
    for (const frame of frames) if (!this.isOver) this.handler?.receive(frame);
    if (!this.isOver) this.handler?.received();
  }

  lose(code: number | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler?.lost("BW_LINK_LOST", code);
  }
}
