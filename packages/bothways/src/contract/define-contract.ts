/** `defineContract`: from the schemas of a namespace's events to the contract that both sides take. */
import { BothwaysError } from "../model/bothways-error.ts";
import { reservedEvents } from "../model/events.ts";
import { createCheck } from "./check.ts";
import type { AnsweredEvent, ContractOf, Definition, EventDefinition } from "./definition.ts";
import type { StandardSchema } from "./standard-schema.ts";

/**
 * Writes down what a server and its clients say to each other in one namespace. Schemas are of any library that
 * implements Standard Schema, such as zod, valibot or arktype.
 *
 * The server gets it as `new Server({ contract })` or `io.of("/name", contract)`, and lets nothing reach a handler that
 * is not as agreed. A client takes only its types, which weigh nothing:
 * `io<ClientListens<typeof contract>, ClientEmits<typeof contract>>(url)`.
 *
 * Throws BW_RESERVED_EVENT for an event that sockets raise themselves, such as `disconnect`.
 *
 * @example
 * const contract = defineContract({
 *   toServer: { say: [z.string().max(500)], join: { args: z.string(), ack: z.number() } },
 *   toClient: { said: [z.string(), z.string()] },
 * });
 */
export function defineContract<const Defined extends Definition>(definition: Defined): ContractOf<Defined> {
  const { toServer = {}, toClient = {}, unknownEvents = "refuse" }: Definition = definition;
  const reserved = Object.keys({ ...toServer, ...toClient }).find((name) => reservedEvents.has(name));
  if (reserved !== undefined) throw new BothwaysError("BW_RESERVED_EVENT", reserved);
  const args = Object.entries(toServer).map(([name, event]) => [name, schemasOf(event)] as const);
  const answers = Object.entries(toClient).flatMap(([name, event]) =>
    isAnswered(event) ? [[name, [event.ack]] as const] : [],
  );
  return {
    checkEvent: createCheck(new Map(args), "BW_INVALID_ARGUMENT", unknownEvents),
    checkAnswer: createCheck(new Map(answers), "BW_INVALID_ANSWER", "allow"),
  };
}

function schemasOf(event: EventDefinition): readonly StandardSchema[] {
  if (isAnswered(event)) return schemasOf(event.args);
  return "~standard" in event ? [event] : event;
}

function isAnswered(event: EventDefinition): event is AnsweredEvent {
  return !Array.isArray(event) && !("~standard" in event);
}
