/**
 * How a contract is written down, and the events maps that follow from it for either side.
 *
 * What clients send, events and answers, is validated: there the server gets a schema's output. What the server sends
 * arrives as it was sent, and has the type of the schema's input at both ends.
 */
import type { Contract } from "../model/contract.ts";
import type { Input, Output, StandardSchema } from "./standard-schema.ts";

/** The arguments of an event: a schema for each, or one schema for the only one. */
export type ArgumentSchemas = StandardSchema | readonly StandardSchema[];

/** An event that is answered. */
export interface AnsweredEvent {
  /** The arguments, without the callback. */
  readonly args: ArgumentSchemas;
  /** The answer: what the handler returns. The server's is checked by the compiler only. */
  readonly ack: StandardSchema;
}

/** An event: its arguments, and the answer if there is one. */
export type EventDefinition = ArgumentSchemas | AnsweredEvent;

/** A contract as it is written down. */
export interface Definition {
  /** Events that clients send and the server handles. */
  readonly toServer?: Readonly<Record<string, EventDefinition>>;
  /** Events that the server sends and clients handle. */
  readonly toClient?: Readonly<Record<string, EventDefinition>>;
  /** What happens to events of clients that are not in `toServer`. `"allow"`: not checked. Default `"refuse"`. */
  readonly unknownEvents?: "refuse" | "allow";
}

type SchemasOf<Event> = Event extends StandardSchema
  ? readonly [Event]
  : Event extends readonly StandardSchema[]
    ? Event
    : Event extends { readonly args: infer Arguments }
      ? SchemasOf<Arguments>
      : never;

type Inputs<Schemas> = {
  -readonly [Index in keyof Schemas]: Schemas[Index] extends StandardSchema ? Input<Schemas[Index]> : never;
};

type Outputs<Schemas> = {
  -readonly [Index in keyof Schemas]: Schemas[Index] extends StandardSchema ? Output<Schemas[Index]> : never;
};

type Tuple<Arguments> = Arguments extends unknown[] ? Arguments : never;

/** What a handler returns: at once `undefined` is no answer, a promise of it is one. Without an ack it does not matter. */
type Returned<Event> = Event extends { readonly ack: infer Ack extends StandardSchema }
  ? Exclude<Input<Ack>, undefined> | Promise<Input<Ack>>
  : unknown;

/** The events map of a side that listens to what was not validated. */
type Listens<Events> = {
  [Name in keyof Events]: (...args: Tuple<Inputs<SchemasOf<Events[Name]>>>) => Returned<Events[Name]>;
};

/** The same where it was. */
type ListensValidated<Events> = {
  [Name in keyof Events]: (...args: Tuple<Outputs<SchemasOf<Events[Name]>>>) => Returned<Events[Name]>;
};

/** The events map of a side that emits, where answers were not validated. The last parameter takes the answer. */
type Emits<Events> = {
  [Name in keyof Events]: (
    ...args: [...Tuple<Inputs<SchemasOf<Events[Name]>>>, ...Taking<Input<AckOf<Events[Name]>>>]
  ) => void;
};

/** The same where they were. */
type EmitsValidated<Events> = {
  [Name in keyof Events]: (
    ...args: [...Tuple<Inputs<SchemasOf<Events[Name]>>>, ...Taking<Output<AckOf<Events[Name]>>>]
  ) => void;
};

type AckOf<Event> = Event extends { readonly ack: infer Ack extends StandardSchema } ? Ack : never;

type Taking<Answer> = [Answer] extends [never] ? [] : [answer: (value: Answer) => void];

type EventsOf<Given> = Given extends object ? Given : Record<never, never>;

/** What `defineContract` makes of a definition. */
export type ContractOf<Defined extends Definition> = Contract<
  ListensValidated<EventsOf<Defined["toServer"]>>,
  EmitsValidated<EventsOf<Defined["toClient"]>>,
  Listens<EventsOf<Defined["toClient"]>>,
  Emits<EventsOf<Defined["toServer"]>>
>;

type TypesOf<Agreed extends Contract> = NonNullable<Agreed["types"]>;

/** The events the server handles. */
export type ServerListens<Agreed extends Contract> = TypesOf<Agreed>["serverListens"];

/** The events the server sends. */
export type ServerEmits<Agreed extends Contract> = TypesOf<Agreed>["serverEmits"];

/** The events clients handle. */
export type ClientListens<Agreed extends Contract> = TypesOf<Agreed>["clientListens"];

/** The events clients send. */
export type ClientEmits<Agreed extends Contract> = TypesOf<Agreed>["clientEmits"];
