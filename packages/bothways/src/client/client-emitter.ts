/** An emitter that calls its listeners. */
import { Emitter } from "../model/emitter.ts";
import type { Listener } from "../model/events.ts";
import type { ClientError } from "./error.ts";

export class ClientEmitter<Events, Reserved> extends Emitter<Events, Reserved> {
  /** @internal */
  fire(event: keyof Reserved & string, ...args: unknown[]): void {
    for (const { listener } of this.take(event)) this.call(listener, args);
  }

  /** What an application throws is its own, and stops nothing of ours: it ends as an unhandled rejection. */
  protected call(listener: Listener, args: unknown[], failed?: (error: ClientError) => never): unknown {
    try {
      return listener.apply(this, args);
    } catch (error) {
      Promise.reject(error).catch(failed);
    }
  }
}
