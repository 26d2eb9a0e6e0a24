/**
 * `node:http` and `node:https`, but not as modules: the import of one reads all that it exports, and for some of that Node
 * loads its whole HTTP client, which nobody here asks for. It would be a third of the heap, and cost large messages as much:
 * each collection of the memory they leave behind goes over it.
 */
const http: typeof import("node:http") = process.getBuiltinModule("node:http");
const https: typeof import("node:https") = process.getBuiltinModule("node:https");

export const createServer: typeof http.createServer = http.createServer;
export const statusTexts: typeof http.STATUS_CODES = http.STATUS_CODES;
export const requestHttp: typeof http.request = http.request;
export const requestHttps: typeof https.request = https.request;
