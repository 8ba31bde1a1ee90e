// Removes the function names from a wasm module. They are a fifth of its size, and only debuggers read
// them. worker-build has no option for it, and wasm-opt would rewrite the module, perhaps in an encoding
// that workerd does not know yet. So this cuts out the bytes of one section.

const PREAMBLE_BYTES = 8;
const CUSTOM = 0;

/** The module without its custom section `name`. Every other byte stays. */
export function stripNames(module) {
  const kept = [module.subarray(0, PREAMBLE_BYTES)];
  let at = PREAMBLE_BYTES;
  while (at < module.length) {
    const size = unsigned(module, at + 1);
    const end = size.end + size.value;
    if (end > module.length) throw new RangeError("a wasm section ends after the end of the module");
    if (module[at] !== CUSTOM || sectionName(module, size.end) !== "name") kept.push(module.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

function sectionName(module, at) {
  const length = unsigned(module, at);
  return module.toString("utf8", length.end, length.end + length.value);
}

// LEB128, as the format writes its sizes.
function unsigned(module, at) {
  let [value, shift] = [0, 0];
  for (;;) {
    const byte = module[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, end: at };
    shift += 7;
  }
}
