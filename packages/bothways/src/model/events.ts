/**
 * Names and types of the events an application declares, shared by the server's sockets and the client's.
 *
 * An events map is an object type whose keys are event names and whose values are the listeners' signatures. Where an
 * event is answered, its last parameter is the callback that takes the answer.
 */
import type { BothwaysError } from "./bothways-error.ts";

/** Events that sockets raise themselves, on either side: no peer may send them. */
export const reservedEvents: ReadonlySet<string> = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "away",
  "back",
  "drain",
  "dropped",
  "gap",
]);

/** Events about the client's authentication, which travel as any other: the server says `…expiring`, the client `refresh…`. */
export const AUTH_EXPIRING = "auth_expiring";
export const REFRESH_AUTH = "refresh_auth";

/** As typeless as what comes off the wire: code that declares no events map is not checked, as in Socket.IO. */
export type Untyped = ReturnType<typeof JSON.parse>;

/** The events map of code that declares none: every name, any arguments. */
export interface DefaultEventsMap {
  [event: string]: (...args: Untyped[]) => void;
}

/** A listener where its event's name is not known. */
export type Listener = (...args: Untyped[]) => unknown;

/** The names of the events in a map. */
export type EventNames<Events> = keyof Events & string;

/** What `emit` takes after the event's name. */
export type EventArguments<Events, Event extends keyof Events> = Events[Event] extends (
  ...args: infer Arguments
) => unknown
  ? Arguments
  : never;

/** What a listener of `Event` looks like; reserved events win over the application's. */
export type ListenerOf<Events, Reserved, Event> = Event extends keyof Reserved
  ? Reserved[Event]
  : Event extends keyof Events
    ? Events[Event]
    : never;

type AllButLast<Arguments> = Arguments extends [...infer Head, unknown] ? Head : Untyped[];

type Last<Arguments> = Arguments extends [...unknown[], infer Tail] ? Tail : Untyped;

/** What `emitWithAck` takes after the event's name: everything but the callback. */
export type AckArguments<Events, Event extends keyof Events> = AllButLast<EventArguments<Events, Event>>;

/** What `emitWithAck` resolves to: the first argument that the event's callback takes. */
export type AckAnswer<Events, Event extends keyof Events> =
  Last<EventArguments<Events, Event>> extends (answer: infer Answer, ...rest: never[]) => unknown
    ? Answer
    : Untyped;

type WithLast<Arguments, Kind extends "one" | "all"> = Arguments extends [
  ...infer Head,
  (...answers: infer Answers) => infer Result,
]
  ? Kind extends "one"
    ? [...Head, (error: BothwaysError | null, ...answers: Answers) => Result]
    : [...Head, (error: BroadcastError<Answers[0]> | null, answers: Answers[0][]) => Result]
  : Arguments;

type Decorated<Events, Kind extends "one" | "all"> = {
  [Event in keyof Events]: Events[Event] extends (...args: infer Arguments) => infer Result
    ? (...args: WithLast<Arguments, Kind> extends infer Changed extends unknown[] ? Changed : never) => Result
    : never;
};

/** The events as `timeout()` changes them: callbacks take an error first. */
export type ErrorFirst<Events> = Decorated<Events, "one">;

/** The events as a broadcast changes them: callbacks take an error, then the answers of all receivers. */
export type ErrorFirstOfAll<Events> = Decorated<Events, "all">;

/** Some receivers of a broadcast did not answer; `responses` are the answers that came. */
export interface BroadcastError<Answer = Untyped> extends BothwaysError {
  readonly responses: Answer[];
}
