/**
 * Users with JSON Web Tokens, the server: `node examples/auth/server.ts`; `PORT` changes the port.
 *
 * `POST /login` sets the token as a cookie that scripts cannot read. A browser sends it with every request that begins
 * or resumes a session, over any transport, and there `authenticate` judges it.
 */
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { Server } from "bothways";
import { createToken, readToken, type User } from "./tokens.ts";

const port = Number(process.env.PORT ?? 3000);
/** As jose understands it. */
const lifetime = process.env.LIFETIME ?? "1h";
/** Yours are in a database, and their passwords are hashed. */
const passwords = new Map([
  ["ada", "engine"],
  ["root", "toor"],
]);

const httpServer = createServer(async (request, response) => {
  if (request.method !== "POST" || request.url !== "/login") return response.writeHead(404).end();
  const { user, password } = Object.fromEntries(new URLSearchParams(await text(request)));
  if (user === undefined || passwords.get(user) !== password) return response.writeHead(401).end();
  const token = await createToken({ user, role: user === "root" ? "admin" : "user" }, lifetime);
  return response.setHeader("set-cookie", `token=${token}; HttpOnly; SameSite=Lax; Path=/`).end();
});

const io = new Server(httpServer, {
  async authenticate({ headers }: IncomingMessage): Promise<User> {
    const token = /(?:^|; )token=([^;]*)/.exec(headers.cookie ?? "")?.[1];
    if (token === undefined) throw new Error("log in first");
    return readToken(token);
  },
});
io.on("connection", (socket) => socket.on("whoami", () => socket.identity));

io.of("/admin").use((socket, next) => {
  next(socket.identity.role === "admin" ? undefined : new Error("not for you"));
});

httpServer.listen(port, () => console.log(`listening on http://localhost:${port}`));
