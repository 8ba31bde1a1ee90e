// Takes the names of functions out of a wasm module: a fifth of what is uploaded and parsed, read by
// nobody but debuggers. worker-build insists on keeping them, and writing the module anew with
// wasm-opt may use encodings that workerd does not know yet; so the bytes of one section are cut out.

const PREAMBLE_BYTES = 8;
const CUSTOM = 0;

/** The module without its custom section `name`; every other byte stays. */
export function stripNames(module) {
  const kept = [module.subarray(0, PREAMBLE_BYTES)];
  let at = PREAMBLE_BYTES;
  while (at < module.length) {
    const size = unsigned(module, at + 1);
    const end = size.end + size.value;
    if (end > module.length) throw new RangeError("a wasm section ends behind the module");
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
