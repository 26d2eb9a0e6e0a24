/** Users with JSON Web Tokens, the client: `node examples/auth/client.ts USER PASSWORD [URL]`. */
import { io } from "bothways/client";

const [user = "", password = "", url = "http://localhost:3000"] = process.argv.slice(2);
const login = await fetch(`${url}/login`, { method: "POST", body: new URLSearchParams({ user, password }) });
/** A browser keeps and sends its cookies by itself. */
const cookie = login.headers
  .getSetCookie()
  .map((line) => line.replace(/;.*/, ""))
  .join("; ");

const socket = io(url, { extraHeaders: { cookie } });
const admin = io(`${url}/admin`, { extraHeaders: { cookie } });

socket.on("connect", async () => console.log("I am", await socket.emitWithAck("whoami")));
socket.on("connect_error", (error) => console.log(`refused: ${error.message}`));
admin.on("connect", () => console.log("an admin even"));
admin.on("connect_error", (error) => console.log(`no admin: ${error.message}`));
