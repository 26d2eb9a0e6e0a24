/**
 * What one session owes in one direction, known from outside: the ids of the messages its sender accepted, in order.
 * Answers may overtake messages that wait for credit, so they are a line of their own.
 */
export class Flow {
  /** Reliable messages that reached the application. */
  delivered = 0;
  readonly #lines: { readonly plain: Line; readonly answers: Line } = {
    plain: new Line(),
    answers: new Line(),
  };
  readonly #volatile = new Set<number>();
  /** Owed, but of unknown fate: they may come, in order, or never. */
  readonly #unknown = new Set<number>();
  #volatileCount = 0;

  get owed(): number {
    const { plain, answers } = this.#lines;
    return plain.length + answers.length - this.#unknown.size;
  }

  /** Volatile messages that never came: they may. */
  get volatileLost(): number {
    return this.#volatileCount;
  }

  accept(id: number, isAnswer: boolean): void {
    this.#line(isAnswer).push(id);
  }

  acceptVolatile(id: number): void {
    this.#volatile.add(id);
    this.#volatileCount++;
  }

  /** What is wrong with delivering this message now, if anything is. */
  deliver(id: number, isAnswer: boolean): string | undefined {
    const line = this.#line(isAnswer);
    for (; line.head !== id && this.#unknown.delete(line.head ?? 0); ) line.shift();
    const { head } = line;
    this.#unknown.delete(id);
    if (head !== id) return `message ${id} delivered where ${head ?? "none"} is next`;
    line.shift();
    this.delivered++;
  }

  deliverVolatile(id: number): string | undefined {
    if (!this.#volatile.delete(id)) return `volatile message ${id} delivered twice`;
    this.#volatileCount--;
  }

  /** Was a message that was accepted before `id` not delivered yet? */
  isOvertaking(id: number): boolean {
    const { head } = this.#lines.plain;
    return head !== undefined && head < id;
  }

  /** The sender said that it will not come. */
  forget(id: number): string | undefined {
    if (!this.#lines.plain.remove(id) && !this.#lines.answers.remove(id))
      return `message ${id} given up but not owed`;
  }

  /** The session was lost with what it had sent: only those that are `sure` were not given to it. */
  loosen(isSure: (id: number) => boolean): void {
    for (const line of [this.#lines.plain, this.#lines.answers]) {
      for (const id of line.ids) if (!isSure(id)) this.#unknown.add(id);
    }
  }

  /** What another session may owe in place of this one: of those that are not `sure` nobody knows. */
  createHeir(isSure: (id: number) => boolean): Flow {
    const heir = new Flow();
    for (const id of this.#lines.plain.ids) heir.accept(id, false);
    heir.loosen(isSure);
    return heir;
  }

  isOwed(id: number): boolean {
    return this.#lines.plain.has(id) || this.#lines.answers.has(id);
  }

  #line(isAnswer: boolean): Line {
    return isAnswer ? this.#lines.answers : this.#lines.plain;
  }
}

class Line {
  #ids: number[] = [];
  #from = 0;

  get length(): number {
    return this.#ids.length - this.#from;
  }

  get ids(): readonly number[] {
    return this.#ids.slice(this.#from);
  }

  get head(): number | undefined {
    return this.#ids[this.#from];
  }

  push(id: number): void {
    this.#ids.push(id);
  }

  shift(): void {
    this.#from++;
  }

  has(id: number): boolean {
    return this.#ids.indexOf(id, this.#from) >= 0;
  }

  remove(id: number): boolean {
    const index = this.#ids.indexOf(id, this.#from);
    if (index >= 0) this.#ids.splice(index, 1);
    return index >= 0;
  }
}
