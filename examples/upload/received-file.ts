/** A file under way: written where the parts say, removed when it is over. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class ReceivedFile {
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #size: number;

  private constructor(folder: string, file: FileHandle, size: number) {
    this.#folder = folder;
    this.#file = file;
    this.#size = size;
  }

  static async create(size: number): Promise<ReceivedFile> {
    const folder = await mkdtemp(join(tmpdir(), "upload-"));
    return new ReceivedFile(folder, await open(join(folder, "file"), "wx"), size);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset + bytes.length > this.#size) throw new RangeError("beyond the end of the file");
    await this.#file.write(bytes, 0, bytes.length, offset);
  }

  async digest(): Promise<string> {
    const hash = createHash("sha256");
    for await (const bytes of createReadStream(join(this.#folder, "file"))) hash.update(bytes);
    return hash.digest("hex");
  }

  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#folder, { recursive: true });
  }
}
