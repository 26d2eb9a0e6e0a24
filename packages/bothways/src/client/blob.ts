/** Blobs among the arguments of an event: they have to be read before the message can be written. */

/** `value`, or a promise of it with bytes in place of each Blob at any depth. `found` is told the size of each. */
export function readBlobs(value: unknown, found: (bytes: number) => void): unknown {
  if (value instanceof Blob) {
    found(value.size);
    return value.arrayBuffer();
  }
  if (typeof value !== "object" || !value || ArrayBuffer.isView(value)) return value;
  const values = Object.values(value).map((each) => readBlobs(each, found));
  if (!values.some((each) => each instanceof Promise)) return value;
  const keys = Object.keys(value);
  const isArray = Array.isArray(value);
  return Promise.all(values).then((all) =>
    isArray ? all : Object.fromEntries(all.map((each, index) => [keys[index], each])),
  );
}
