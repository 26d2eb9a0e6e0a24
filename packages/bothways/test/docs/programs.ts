/** Runs what the documentation prints, as a reader would: with Node, from the repository, on the built package. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../../../", import.meta.url));

export function readPage(path: string): string {
  return readFileSync(`${root}${path}`, "utf8");
}

/** Markdown pages of a folder, named from the root. */
export function pagesIn(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
    .map((file) => `${folder}${file}`)
    .sort();
}

/** The code of a page's blocks in `language`, in order. */
export function blocksOf(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    (match) => match[1] ?? "",
  );
}

/** What the comments behind `console.log(…);` say is printed, line by line. */
export function promisedOutput(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*; \/\/ (.*)$/gm)].map((match) => match[1] ?? "");
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A program under way; `args` as `node` takes them, `env` besides our own. */
export class Program {
  /** All it printed, and what of it on stdout. */
  output = "";
  stdout = "";
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** Says `more` when there is more to know. */
  readonly #news = new EventEmitter();
  #isOver = false;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#exited = once(this.#child, "close").then(() => {
      this.#isOver = true;
      this.#news.emit("more");
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        if (stream === this.#child.stdout) this.stdout += text;
        this.#news.emit("more");
      });
    }
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Waits until `text` was printed; fails with what was printed instead when the program ends before. */
  async printed(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.#isOver) throw new Error(`no "${text}" in:\n${this.output}`);
      await once(this.#news, "more");
    }
  }

  /** What it printed on stdout, line by line, once it has ended by itself. */
  async ended(): Promise<string[]> {
    await this.#exited;
    return this.stdout.trimEnd().split("\n");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#exited;
  }
}

/** A module as text, run with `port` instead of the 3000 that is printed. */
export function runModule(code: string, port: number, type = "module"): Program {
  return new Program([`--input-type=${type}`, "--eval", code.replaceAll("3000", String(port))]);
}

/** What the compiler says of these TypeScript files, by their names, as an application would have it: all declarations too. */
export function compile(files: readonly (readonly [name: string, code: string])[]): string {
  mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
  // where the packages they import are found
  const folder = mkdtempSync(join(root, "node_modules/.cache/docs-"));
  try {
    for (const [name, code] of files) writeFileSync(join(folder, `${name}.ts`), code);
    const checks = { noUnusedLocals: false, noUnusedParameters: false, skipLibCheck: false };
    const compilerOptions = {
      noEmit: true,
      ...checks,
      lib: ["es2023", "dom", "esnext.disposable"],
      types: ["node"],
    };
    const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
    return status === 0 ? stdout : `${stdout}exit ${status}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
