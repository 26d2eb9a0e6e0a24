/** How many connections each client address has at once, where that is limited. */
import { type RequestHead, readAddress, type TrustProxy } from "./address.ts";

export interface AddressLimitOptions {
  /** 0: no limit. Default 0. */
  readonly maxConnectionsPerAddress?: number | undefined;
  /** Default false. */
  readonly trustProxy?: TrustProxy | undefined;
}

export class AddressLimit {
  readonly #max: number;
  readonly #trustProxy: TrustProxy;
  /** Of addresses that have any. */
  readonly #counts = new Map<string, number>();

  constructor({ maxConnectionsPerAddress: max = 0, trustProxy = false }: AddressLimitOptions) {
    if (!(max >= 0)) throw new TypeError("maxConnectionsPerAddress must be a number, 0 or more");
    this.#max = max;
    this.#trustProxy = trustProxy;
  }

  /**
   * Counts one more for the address `request` came from; what is returned ends it, and may be called more than once.
   * Undefined: the address has as many as it may.
   */
  enter(request: RequestHead): (() => void) | undefined {
    if (this.#max === 0) return notCounted;
    const address = readAddress(request, this.#trustProxy);
    const count = this.#counts.get(address) ?? 0;
    if (count >= this.#max) return undefined;
    this.#counts.set(address, count + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#leave(address);
    };
  }

  #leave(address: string): void {
    const left = (this.#counts.get(address) ?? 0) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}

function notCounted(): void {}
