/**
 * Standard Schema, version 1 (https://standardschema.dev): the part of a validator that all libraries share. Only types,
 * so that we depend on none of them.
 */

export interface StandardSchema<Input = unknown, Output = Input> {
  /** What every library puts there. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Only for the compiler. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator says: the value as it is from now on, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  /** In the words of the library. */
  readonly message: string;
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type Types<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>;

/** What the schema takes. */
export type Input<Schema extends StandardSchema> = Types<Schema>["input"];

/** What the schema makes of it. */
export type Output<Schema extends StandardSchema> = Types<Schema>["output"];
