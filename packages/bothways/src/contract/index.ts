/** Entry `bothways/contract`: what both sides of a namespace agree on. */
export type { Contract } from "../model/contract.ts";
export type { Issue } from "./check.ts";
export { defineContract } from "./define-contract.ts";
export type {
  AnsweredEvent,
  ArgumentSchemas,
  ClientEmits,
  ClientListens,
  ContractOf,
  Definition,
  EventDefinition,
  ServerEmits,
  ServerListens,
} from "./definition.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
