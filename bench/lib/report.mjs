// The figures as Markdown, for the terminal and for RESULTS.md, and as plots.
import { LISTS } from "./growth.mjs";
import { ROUTES } from "./routes.mjs";
import { figure } from "./statistics.mjs";
import { bars, lines } from "./svg.mjs";

const range = (value, write = figure) => (value ? `${write(value.median)} (${write(value.low)}..${write(value.high)})` : "–");
const ratio = (value) => value.toFixed(2);
const table = (head, rows) => [`| ${head.join(" | ")} |`, `|${head.map((_, at) => (at === 0 ? "---" : "--:")).join("|")}|`, ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");

export function routesTable({ figures, floor, usage, resident_mb, driver_share }) {
  const turns = Object.values(figures)[0].ours?.turns ?? Object.values(figures)[0].peer?.turns;
  const rows = Object.entries(ROUTES).map(([route, label]) => [label, range(figures[route].ours), range(figures[route].peer), figures[route].ratio ? `**${ratio(figures[route].ratio.median)}** (${ratio(figures[route].ratio.low)}..${ratio(figures[route].ratio.high)})` : "–"]);
  const parts = [`CPU of workerd a request, in microseconds: median (quartiles) of ${turns} turns`, "", table(["", "ours", "peer", "ours / peer"], rows)];
  const meaning = { constant: "a constant", echo: "an object's echo", audit: "a constant and a row of the audit log" };
  const floors = Object.entries(floor).map(([name, value]) => `${meaning[name]} ${range(value)}`);
  if (floors.length > 0) parts.push("", `The floor: ${floors.join(", ")}.`);
  const used = Object.entries(usage).map(([name, { object_rows, d1_rows, alarms }]) => `${name} ${object_rows.toFixed(1)} in its object and ${d1_rows.toFixed(1)} in D1, with ${alarms.toFixed(1)} alarms`);
  parts.push("", `Written rows of a whole job, in the mean: ${used.join("; ")}; D1 also has one row of the audit log.`);
  parts.push("", `Resident at the end: ${Object.entries(resident_mb).map(([name, mb]) => `${name} ${Math.round(mb)} MB`).join(", ")}. The driver used ${Math.round(driver_share * 100)} % of a core.`);
  return parts.join("\n");
}

export function socketsTable(figures) {
  const rows = Object.entries(figures).flatMap(([count, forms]) => Object.entries(forms).map(([name, value]) => [`${count}, ${name}`, range(value.p50), range(value.p99), range(value.us)]));
  return `From a callback to each socket of its job, and the CPU of that callback. No message was lost.\n\n${table(["sockets", "p50, ms", "p99, ms", "CPU, us"], rows)}`;
}

export function growthTable({ rows, events }) {
  const names = Object.keys(Object.values(rows)[0]);
  const head = (keys) => keys.flatMap((key) => names.map((name) => `${key}, ${name}`));
  const body = (figures, keys) => Object.entries(figures).map(([size, forms]) => [Number(size).toLocaleString("en-US"), ...keys.flatMap((key) => names.map((name) => figure(forms[name][key])))]);
  const lists = Object.keys(LISTS);
  return [
    "CPU of a list of 20, in microseconds, by the rows of the index. `status` and `type` match 25 rows, the oldest.",
    "",
    table(["rows", ...head(lists)], body(rows, lists)),
    "",
    "CPU of a stage report and of a read, by the events that the job has:",
    "",
    table(["events", ...head(["stage", "read"])], body(events, ["stage", "read"])),
  ].join("\n");
}

export function startTable(figures) {
  const label = { health: "/health", upload_url: "upload-url" };
  const rows = Object.entries(figures).flatMap(([first, forms]) => Object.entries(forms).map(([name, value]) => [`${label[first]}, ${name}`, range(value.first), range(value.second)]));
  return `The first requests of a fresh process, in milliseconds:\n\n${table(["", "first", "second"], rows)}`;
}

export function memoryTable(figures) {
  const kB = (bytes) => (bytes === 0 ? "–" : `${(bytes / 1000).toFixed(1)} kB`);
  const rows = Object.entries(figures).map(([name, value]) => [name, `${Math.round(value.fresh_mb)} MB`, `${Math.round(value.after_mb)} MB`, `${Math.round(value.job_kb)} kB`, kB(value.gzipped.script), kB(value.gzipped.wasm)]);
  return `Resident memory of workerd, and what is deployed, gzipped:\n\n${table(["", "fresh", "with jobs", "a live job", "script", "wasm"], rows)}`;
}

const SECTIONS = { routes: ["Routes", routesTable], sockets: ["Sockets", socketsTable], growth: ["Growth", growthTable], start: ["Start", startTable], memory: ["Memory and size", memoryTable] };

/** One part for the terminal. */
export const section = (part, figures) => `## ${SECTIONS[part][0]}\n${SECTIONS[part][1](figures)}\n`;

const PLOT_OF = { routes: "routes", sockets: "sockets", growth: "growth" };

/** The whole of RESULTS.md. */
export function markdown(results) {
  const parts = ["# What the API costs beside a TypeScript peer", "Written by `npm run bench`; [README.md](README.md) says how it is measured and what the forms are.", ""];
  for (const [part, [title, write]] of Object.entries(SECTIONS)) {
    const measured = results[part];
    if (!measured) continue;
    const { machine, commit, command, date, load } = measured.run;
    parts.push(`## ${title}`, write(measured.figures), "");
    if (PLOT_OF[part]) parts.push(`![${title}](plots/${PLOT_OF[part]}.svg)`, "");
    parts.push(`\`${command}\` at ${commit}, ${date}; ${machine}; load ${load}.`, "");
  }
  return parts.join("\n");
}

/** The plots by their file names. */
export function plots({ routes, sockets, growth }) {
  const files = {};
  if (routes) {
    const rows = Object.entries(ROUTES).flatMap(([route, label]) => (routes.figures.figures[route].ratio ? [{ label, ...routes.figures.figures[route].ratio }] : []));
    files["routes.svg"] = bars("CPU a request, ours / peer: median and quartiles", rows);
  }
  if (sockets) {
    const series = ["p50", "p99"].flatMap((of, dash) => ["ours", "peer"].map((name, color) => ({ label: `${of}, ${name}`, color, dash, points: Object.entries(sockets.figures).map(([count, forms]) => [Number(count), forms[name][of].median]) })));
    files["sockets.svg"] = lines("From a callback to each socket, in milliseconds", series, { xLabel: "sockets of the job" });
  }
  if (growth) {
    const series = Object.keys(LISTS).flatMap((list, dash) => ["ours", "peer"].map((name, color) => ({ label: `${list}, ${name}`, color, dash, points: Object.entries(growth.figures.rows).map(([rows, forms]) => [Number(rows), forms[name][list]]) })));
    files["growth.svg"] = lines("CPU of a list of 20, in microseconds", series, { xLabel: "rows of the index" });
  }
  return files;
}
