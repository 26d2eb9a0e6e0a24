/** Another build of ours, found in the folder that `--before` names: shows what a change brought. */
import { pathToFileURL } from "node:url";
import { runOurs } from "./ours.ts";

const build = pathToFileURL(`${process.env.BENCH_BEFORE}/server/index.js`).href;
runOurs((await import(build)) as typeof import("bothways"));
