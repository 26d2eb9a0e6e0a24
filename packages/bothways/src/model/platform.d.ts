/**
 * The whole platform the pure layers may touch: UTF-8, which every JavaScript host has and ECMAScript lacks, and the
 * symbols of `using`, which are newer than the `lib` we compile with.
 * Compiled into the pure layers only; the others see the declarations of the DOM or of Node.
 */

interface SymbolConstructor {
  readonly dispose: unique symbol;
  readonly asyncDispose: unique symbol;
}

interface TextEncoderEncodeIntoResult {
  read: number;
  written: number;
}

declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(source: string, destination: Uint8Array): TextEncoderEncodeIntoResult;
}

interface TextDecoderOptions {
  fatal?: boolean;
  ignoreBOM?: boolean;
}

declare class TextDecoder {
  constructor(label?: string, options?: TextDecoderOptions);
  decode(input?: Uint8Array | ArrayBuffer, options?: { stream?: boolean }): string;
}
