/** Numbers that look random and follow from a seed: sfc32, mixed by splitmix32. Nothing else in the simulation is random. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    let state = seed | 0;
    const mix = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let value = state ^ (state >>> 16);
      value = Math.imul(value, 0x21f0aaad);
      value ^= value >>> 15;
      value = Math.imul(value, 0x735a2d97);
      return value ^ (value >>> 15);
    };
    this.#a = mix();
    this.#b = mix();
    this.#c = mix();
    for (let count = 0; count < 12; count++) this.next();
  }

  /** 32 bits. */
  next(): number {
    const value = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + value;
    return value >>> 0;
  }

  /** In [0, 1). */
  float(): number {
    return this.next() / 4_294_967_296;
  }

  /** 0 … count - 1. */
  int(count: number): number {
    return Math.floor(this.float() * count);
  }

  between(low: number, high: number): number {
    return low + this.float() * (high - low);
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(values.length)] as T;
  }
}
