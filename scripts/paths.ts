/** Where the repository is. */
import { fileURLToPath } from "node:url";

/** The absolute path of a file named from the root of the repository. */
export function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
