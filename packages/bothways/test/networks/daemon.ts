/** nginx and haproxy in front of a server: each in the foreground, on a port of loopback, with files of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromRoot } from "../../../../scripts/paths.ts";
import { findProgram } from "../../../../scripts/system-packages.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";
import { until } from "./networks.ts";

/** A proxy that runs. */
export interface Front {
  readonly url: string;
  close(): Promise<void>;
}

const bare = `server {
  listen 80;
  location / {
    proxy_pass http://127.0.0.1:3000;
  }
}`;

/** The ways a server is put behind a proxy, by name; each is given the server's port. */
export const fronts = {
  /** `proxy_pass` and nothing else: HTTP/1.0, another Host, no upgrades, buffers. */
  "nginx by default": (port: number) => startNginx(bare, port),
  /** The same, and deaf to what the server says of buffering: streams are kept until they end. */
  "nginx that gathers": (port: number) =>
    startNginx(put(bare, "location / {", "location / { proxy_ignore_headers X-Accel-Buffering;"), port),
  /** As the guide says. */
  nginx: (port: number) => startNginx(readGuide("nginx"), port),
  /** The same with HTTP/2 and TLS in front. */
  "nginx with HTTP/2": (port: number) => startNginx(readGuide("nginx"), port, true),
  /** As the guide says. */
  haproxy: (port: number) => startHaproxy(readGuide("haproxy"), port),
  /** No server may be silent for longer than 400 ms; which of two gave up first would be the machine's to say. */
  "haproxy in a hurry": (port: number) =>
    startHaproxy(readGuide("haproxy").replace(/timeout (server|tunnel) .*/g, "timeout $1 400ms"), port),
} as const;

/** The configuration that docs/guide/server-options.md shows. */
function readGuide(language: string): string {
  const page = readFileSync(fromRoot("docs/guide/server-options.md"), "utf8");
  const shown = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (shown === undefined) throw new Error(`the guide has no configuration for ${language}`);
  return shown;
}

async function startNginx(servers: string, port: number, isSecure = false): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), "bothways-nginx-"));
  const own = await findPort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const tls = `ssl http2; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`;
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events { worker_connections 256; }
http {
access_log off; ${paths.join(" ")}
${put(put(servers, "listen 80;", `listen 127.0.0.1:${own} ${isSecure ? tls : ";"}`), "127.0.0.1:3000", `127.0.0.1:${port}`)}
}`;
  writeFileSync(join(folder, "cert.pem"), certificate);
  writeFileSync(join(folder, "key.pem"), privateKey);
  return start("nginx", folder, config, own, (path) => ["-e", "stderr", "-p", folder, "-c", path], isSecure);
}

async function startHaproxy(text: string, port: number): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), "bothways-haproxy-"));
  const own = await findPort();
  const config = put(put(text, "bind :80", `bind 127.0.0.1:${own}`), "127.0.0.1:3000", `127.0.0.1:${port}`);
  return start("haproxy", folder, config, own, (path) => ["-db", "-f", path]);
}

function put(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the configuration has no ${from}`);
  return text.replace(from, to);
}

async function start(
  program: "nginx" | "haproxy",
  folder: string,
  config: string,
  port: number,
  readArguments: (path: string) => string[],
  isSecure = false,
): Promise<Front> {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`not found: install ${program}`);
  const file = join(folder, "config");
  writeFileSync(file, config);
  const child = spawn(path, readArguments(file), { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  let isListening = false;
  const knock = (): void => {
    const socket = connect(port, "127.0.0.1", () => {
      isListening = true;
      socket.destroy();
    });
    socket.on("error", () => !isGone(child) && setTimeout(knock, 10));
  };
  knock();
  await until(`${program} listens`, () => isListening || isGone(child));
  if (!isListening) throw new Error(`${program} ended: ${said}`);
  return {
    url: `http${isSecure ? "s" : ""}://127.0.0.1:${port}`,
    async close() {
      if (!isGone(child)) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true });
    },
  };
}

function isGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
