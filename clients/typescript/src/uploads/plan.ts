// How a file is divided, and what of it is still to be sent. Pure.
export const MIB = 1024 * 1024;
export const PART_BYTES = 16 * MIB;
/** S3 takes no more. */
const PARTS_MAX = 10_000;

/** Bytes of each part but the last: as wished, but so large that the parts are few enough. */
export function partBytes(size: number, wished = PART_BYTES): number {
  return Math.max(wished, Math.ceil(size / PARTS_MAX / MIB) * MIB);
}

export interface Part {
  number: number;
  start: number;
  end: number;
}

/** The parts that have not arrived, in order. */
export function missingParts(size: number, partSize: number, arrived: { has(number: number): boolean }): Part[] {
  const parts: Part[] = [];
  for (let number = 1, start = 0; start < size; number++, start += partSize) {
    if (!arrived.has(number)) parts.push({ number, start, end: Math.min(size, start + partSize) });
  }
  return parts;
}
