/** One HTTP/1.1 connection that is kept open, one request at a time. Answers must carry their length. */
import { connect, type Socket } from "node:net";

export class RawHttp {
  readonly #socket: Socket;
  readonly #port: number;
  #rest = "";
  #answered: ((body: string) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#read(text));
    this.#socket.on("close", () => {
      // an idle one may be closed
      if (this.#answered) throw new Error("the server closed a connection");
    });
  }

  /** Resolves to the answer's body. Without a body it is a GET. */
  request(path: string, body?: string): Promise<string> {
    const head = `${body === undefined ? "GET" : "POST"} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\n`;
    this.#socket.write(
      body === undefined ? `${head}\r\n` : `${head}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  #read(text: string): void {
    this.#rest += text;
    const headEnd = this.#rest.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#rest.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (!head.startsWith("HTTP/1.1 200") || Number.isNaN(length)) throw new Error(this.#rest);
    const bodyAt = headEnd + 4;
    if (this.#rest.length < bodyAt + length) return;
    const body = this.#rest.slice(bodyAt, bodyAt + length);
    this.#rest = this.#rest.slice(bodyAt + length);
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(body);
  }
}
