// The parts of the benchmark that decide what is counted and compared.
import assert from "node:assert/strict";
import { test } from "node:test";

import { compareRatios } from "../lib/check.mjs";
import { encode, parse } from "../lib/http.mjs";
import { readOptions } from "../lib/options.mjs";
import { differences, shape } from "../lib/shape.mjs";
import { readFrames } from "../lib/socket.mjs";
import { quantile, summary } from "../lib/statistics.mjs";
import { bars, lines } from "../lib/svg.mjs";
import { orders } from "../lib/turns.mjs";

test("an answer is read whole, with a length or in chunks, and not before it is there", () => {
  const plain = Buffer.from("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhällo".replace("hällo", "hello") + "HTTP/1.1");
  assert.deepEqual([parse(plain).status, parse(plain).body, parse(plain).length], [201, "hello", plain.length - 8]);
  const chunked = Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  assert.deepEqual([parse(chunked).body, parse(chunked).length], ["abcde", chunked.length]);
  for (let length = 0; length < chunked.length; length++) assert.equal(parse(chunked.subarray(0, length)), null);
  assert.match(encode("POST", "/a", { b: "c" }, "ä").toString(), /^POST \/a HTTP\/1\.1\r\n.*b: c\r\ncontent-length: 2\r\n\r\nä$/s);
});

test("frames are read whole, whatever their length", () => {
  const frame = (text) => {
    const bytes = Buffer.from(text);
    const head = bytes.length < 126 ? Buffer.from([0x81, bytes.length]) : Buffer.from([0x81, 126, bytes.length >> 8, bytes.length & 255]);
    return Buffer.concat([head, bytes]);
  };
  const all = Buffer.concat([frame("short"), frame("x".repeat(700)), frame("cut off").subarray(0, 4)]);
  const seen = [];
  assert.equal(readFrames(all, (text) => seen.push(text.length)).length, 4);
  assert.deepEqual(seen, [5, 700]);
});

test("every form has every place, as often first as last", () => {
  const all = orders(["a", "b"], 8);
  assert.equal(all.filter(([first]) => first === "a").length, 4);
  for (const order of orders(["a", "b", "c"], 6)) assert.deepEqual(order.toSorted(), ["a", "b", "c"]);
});

test("quartiles lie between the values", () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.deepEqual(summary([1, 2, 3, 4, 5]), { median: 3, low: 2, high: 4, turns: 5 });
});

test("only a ratio that is worse by more than its noise is worse", () => {
  const ratio = (median, spread) => ({ ratio: { median, low: median - spread, high: median + spread, turns: 9 } });
  const worse = (before, now) => compareRatios({ read: before }, { read: now })[0].worse;
  assert.equal(worse(ratio(0.7, 0.02), ratio(0.74, 0.01)), false, "within what two runs differ by");
  assert.equal(worse(ratio(0.7, 0.02), ratio(0.8, 0.01)), true);
  assert.equal(worse(ratio(0.7, 0.2), ratio(0.8, 0.01)), false, "the committed one is noisy");
  assert.equal(worse(ratio(0.7, 0.02), ratio(0.5, 0.01)), false, "better");
  assert.deepEqual(compareRatios({}, { read: ratio(1, 0) }), [], "a new route has nothing to be compared with");
});

test("a shape is names and types, and a difference names its exchange", () => {
  assert.deepEqual(shape({ b: [1, 2, "c"], a: null }), { a: "null", b: ["number", "string"] });
  assert.deepEqual(differences([{ name: "x", status: 200 }], [{ name: "x", status: 200 }]), []);
  assert.match(differences([{ name: "x", status: 200 }], [{ name: "x", status: 404 }])[0], /^x:/);
});

test("runs that leave something out write nothing", () => {
  assert.equal(readOptions([]).writes, true);
  for (const flags of [["--quick"], ["--check"], ["--forms", "ours"], ["--build", "x"]]) assert.equal(readOptions(flags).writes, false);
  assert.equal(readOptions(["--quick", "--out", "x"]).writes, true);
  assert.deepEqual(readOptions(["--check"]).parts, ["routes"]);
  assert.throws(() => readOptions(["--only", "nothing"]));
  assert.throws(() => readOptions(["--turns", "0"]));
});

test("plots are well formed, and label what they show", () => {
  for (const svg of [
    bars("a < b", [{ label: "read", median: 0.7, low: 0.6, high: 0.8 }]),
    lines("growth", [{ label: "ours", color: 0, dash: 1, points: [[10, 300], [100_000, 900]] }], { xLabel: "rows" }),
  ]) {
    assert.match(svg, /^<svg [^]*<\/svg>\n$/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined| < /);
  }
});
