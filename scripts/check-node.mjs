/** Stops with one line where the tools cannot run. Plain JavaScript, so that an old Node can read it. */
import { existsSync } from "node:fs";

const wanted = [22, 18];
const [major, minor] = process.versions.node.split(".").map(Number);
const isOld = major < wanted[0] || (major === wanted[0] && minor < wanted[1]);
const isInstalled = existsSync(new URL("../node_modules/.bin/tsc", import.meta.url));

if (!isInstalled) stop("The dependencies are not installed: run `npm ci` first.");
if (isOld) {
  stop(
    `Node.js ${process.versions.node} is too old, ${wanted.join(".")} is needed: run through npm (\`npm start\`, ` +
      "`npm test`), which takes the one that `npm ci` installed.",
  );
}

function stop(reason) {
  console.error(reason);
  process.exit(1);
}
