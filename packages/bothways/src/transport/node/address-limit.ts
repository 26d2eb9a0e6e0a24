/**
 * How many connections each client address has at once, where that is limited. An IPv6 address counts as its /64, since
 * that is what one customer is given at least (RFC 6177 §2) and can draw addresses from at will.
 */
import { isIPv6 } from "node:net";
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
    const address = networkOf(readAddress(request, this.#trustProxy));
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

/** An IPv4 address, also one written as IPv6, as it is; of an IPv6 address its first 64 bits. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [, ipv4] = /^::ffff:([\d.]+)$/i.exec(address) ?? [];
  if (ipv4 !== undefined) return ipv4;
  const [left = "", right] = address.split("::");
  const groups = left.split(":");
  // "::" stands for the zeros that are missing
  const missing = right === undefined ? 0 : 8 - groups.length - right.split(":").length;
  const all = [...groups, ...Array<string>(Math.max(missing, 0)).fill("0"), ...(right ?? "").split(":")];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group || "0", 16))
    .join(":");
}

function notCounted(): void {}
