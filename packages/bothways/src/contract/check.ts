/**
 * Runs the schemas of an event over its arguments.
 *
 * Invariants: each schema sees one argument, in the order of the arguments; what a peer is told of its own mistakes is
 * bounded, however many it made.
 */
import { BothwaysError } from "../model/bothways-error.ts";
import type { Check } from "../model/contract.ts";
import type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";

/** One thing that is wrong with an event's arguments, as the peer is told. */
export interface Issue {
  /** The argument's index, then the keys inside it. */
  readonly path: readonly (string | number)[];
  /** In the words of the schema's library. */
  readonly message: string;
}

type Code = "BW_INVALID_ARGUMENT" | "BW_INVALID_ANSWER" | "BW_UNKNOWN_EVENT";
type Result = SchemaResult<unknown>;

const MAX_ISSUES = 10;
/** Steps of an issue's path behind the argument's index. */
const MAX_DEPTH = 32;
/** In UTF-16 units: of a message, a key or an event's name that goes back to the peer. */
const MAX_TEXT = 200;

/** `table`: the schemas of each event's arguments. `code`: of the error where they do not fit. */
export function createCheck(
  table: ReadonlyMap<string, readonly StandardSchema[]>,
  code: Code,
  unknownEvents: "refuse" | "allow",
): Check {
  return (event, args) => {
    const schemas = table.get(event);
    if (schemas === undefined) {
      if (unknownEvents === "allow") return args;
      throw refusal("BW_UNKNOWN_EVENT", cut(event), []);
    }
    const results = schemas.map((schema, index) => validate(schema, args[index]));
    const extra = args.length > schemas.length ? [{ path: [schemas.length], message: "not expected" }] : [];
    const conclude = (done: readonly Result[]): unknown[] => valuesOf(done, extra, code, event);
    return areDone(results) ? conclude(results) : Promise.all(results).then(conclude);
  };
}

/** A schema that throws must not leave the promises of the others with nobody to catch them. */
function validate(schema: StandardSchema, value: unknown): Result | Promise<Result> {
  try {
    return schema["~standard"].validate(value);
  } catch (error) {
    return Promise.reject(error);
  }
}

function areDone(results: readonly (Result | Promise<Result>)[]): results is readonly Result[] {
  return results.every((result) => !("then" in result));
}

/** What the schemas made of the arguments; throws where there is an issue. */
function valuesOf(results: readonly Result[], extra: readonly Issue[], code: Code, event: string): unknown[] {
  const values: unknown[] = [];
  const issues = [...extra];
  results.forEach((result, index) => {
    if (result.issues === undefined) values.push(result.value);
    else issues.push(...[...result.issues].slice(0, MAX_ISSUES).map((issue) => describe(issue, index)));
  });
  const [first] = issues;
  if (first === undefined) return values;
  throw refusal(code, `${event}${place(first.path)}: ${first.message}`, issues.slice(0, MAX_ISSUES));
}

/** The code is in `data` too: of a refusal a client sees the message and the data. */
function refusal(code: Code, detail: string, issues: readonly Issue[]): BothwaysError {
  return new BothwaysError(code, detail, { data: { code, issues } });
}

/** Lists of a library are copied before they are worked on: they may be of a class of its own, as arktype's are. */
function describe({ path = [], message }: SchemaIssue, index: number): Issue {
  const keys = [...path].slice(0, MAX_DEPTH).map((step) => (typeof step === "object" ? step.key : step));
  return {
    path: [index, ...keys.map((key) => (typeof key === "number" ? key : cut(String(key))))],
    message: cut(message),
  };
}

/** `[0].name`, as JavaScript would write it behind the list of the event's arguments. */
function place(path: Issue["path"]): string {
  return path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
