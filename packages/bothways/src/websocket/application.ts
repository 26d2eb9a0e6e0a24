/** Calls into the application. A fault there is its own: it comes up as an uncaught exception, and disturbs nothing of ours. */

/** Called without an error when what was sent has been handed to the operating system. */
export type SendCallback = (error?: Error) => void;

export function callAll(callbacks: readonly SendCallback[], error: Error | undefined): void {
  for (const callback of callbacks) {
    try {
      callback(error);
    } catch (thrown) {
      throwLater(thrown);
    }
  }
}

export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
