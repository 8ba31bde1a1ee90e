// The shape of JSON: names of members and types of values. Two forms answer alike when their shapes are equal.

/** A value as its shape: `{ name: shape }`, `[shape]` with each different one, or a type. */
export function shape(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(shape(item))))].sort().map((text) => JSON.parse(text));
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, shape(value[name])]));
}

/** The differences between two forms, as lines. */
export function differences(ours, peer) {
  return ours.flatMap((exchange, at) => {
    const [a, b] = [JSON.stringify({ ...exchange }), JSON.stringify({ ...peer[at] })];
    return a === b ? [] : [`${exchange.name}:\n  ours ${a}\n  peer ${b}`];
  });
}
