// The parts of a run. Each starts the forms that it needs, takes its turns and gives its figures as plain data.
import { Driver, INPUT } from "./driver.mjs";
import { gzippedBytes, putObject, startForm } from "./forms.mjs";
import { eventCosts, fillIndex, listCosts } from "./growth.mjs";
import { residentBytes } from "./processes.mjs";
import { FULL, QUICK, ROUTES, apiTurn, floorTurn } from "./routes.mjs";
import { socketTurn } from "./sockets.mjs";
import { coldStart, memory } from "./start.mjs";
import { median, summary } from "./statistics.mjs";
import { takeTurns } from "./turns.mjs";

const API = ["ours", "peer"];
const isApi = (name) => API.includes(name);
const among = (names, { forms }) => names.filter((name) => forms.includes(name));

/** Starts these forms, hands their drivers to `body`, and stops them whatever happens. */
export async function withDrivers(names, { runpod, bundles }, body) {
  const drivers = {};
  const forms = [];
  try {
    for (const name of names) {
      const form = await startForm(name, { modules: bundles[name], runpod });
      forms.push(form);
      if (isApi(name)) await putObject(form, INPUT);
      drivers[name] = await Driver.open(form, runpod);
    }
    return await body(drivers);
  } finally {
    for (const driver of Object.values(drivers)) driver.close();
    for (const form of forms) await form.stop();
    runpod.forget();
  }
}

/** CPU of each route: of each form, and ours as a multiple of the peer's in the same turn. */
export async function routes(options, tools) {
  const sizes = options.quick ? QUICK : FULL;
  return withDrivers(options.forms, tools, async (drivers) => {
    const began = [process.cpuUsage(), Date.now()];
    const names = Object.keys(drivers);
    const turns = await takeTurns(names, { turns: options.turns, onTurn: tools.onTurn }, (name) => (isApi(name) ? apiTurn : floorTurn)(drivers[name], sizes));
    const figures = {};
    for (const route of Object.keys(ROUTES)) {
      const of = (name) => turns[name]?.map(({ us }) => us[route]);
      const row = Object.fromEntries(among(API, options).map((name) => [name, summary(of(name))]));
      if (row.ours && row.peer) row.ratio = summary(of("ours").map((us, turn) => us / of("peer")[turn]));
      figures[route] = row;
    }
    const floor = Object.fromEntries(names.filter((name) => !isApi(name)).map((name) => [name, summary(turns[name].map(({ us }) => us.floor))]));
    const used = process.cpuUsage(began[0]);
    return {
      figures,
      floor,
      usage: Object.fromEntries(among(API, options).map((name) => [name, turns[name].at(-1).usage])),
      resident_mb: Object.fromEntries(names.map((name) => [name, residentBytes(drivers[name].form.pid) / 1e6])),
      driver_share: (used.user + used.system) / 1000 / (Date.now() - began[1]),
    };
  });
}

/** Latency from callback to socket, for each number of sockets. */
export async function sockets(options, tools) {
  const counts = options.quick ? [1, 100] : [1, 100, 1000];
  const ticks = options.quick ? 20 : 40;
  return withDrivers(among(API, options), tools, async (drivers) => {
    const figures = {};
    for (const count of counts) {
      const turns = await takeTurns(Object.keys(drivers), { turns: options.quick ? 2 : 5 }, (name) => socketTurn(drivers[name], count, ticks));
      figures[count] = Object.fromEntries(
        Object.entries(turns).map(([name, of]) => [name, Object.fromEntries(["p50", "p99", "us"].map((figure) => [figure, summary(of.map((turn) => turn[figure]))]))]),
      );
    }
    return figures;
  });
}

/** CPU of lists by the size of the index, and of a job by the number of its events. */
export async function growth(options, tools) {
  const requests = options.quick ? 40 : 200;
  return withDrivers(among(API, options), tools, async (drivers) => {
    const figures = { rows: {}, events: {} };
    for (let [from, rows] = [0, 10]; rows <= options.rows; from = rows, rows *= 10) {
      for (const driver of Object.values(drivers)) await fillIndex(driver, from, rows);
      const turns = await takeTurns(Object.keys(drivers), { turns: options.quick ? 1 : 3 }, (name) => listCosts(drivers[name], requests));
      figures.rows[rows] = medians(turns);
    }
    for (const events of options.quick ? [10] : [10, 100, 1000]) {
      const turns = await takeTurns(Object.keys(drivers), { turns: options.quick ? 1 : 3, warmUps: 0 }, (name) => eventCosts(drivers[name], events, requests));
      figures.events[events] = medians(turns);
    }
    return figures;
  });
}

const medians = (turns) =>
  Object.fromEntries(Object.entries(turns).map(([name, of]) => [name, Object.fromEntries(Object.keys(of[0]).map((key) => [key, median(of.map((turn) => turn[key]))]))]));

/** The first requests of fresh processes, in milliseconds. */
export async function start(options, { runpod, bundles }) {
  const figures = {};
  for (const first of options.quick ? ["health"] : ["health", "upload_url"]) {
    const names = among(first === "health" && !options.quick ? [...API, "constant"] : API, options);
    const turns = await takeTurns(names, { turns: options.quick ? 2 : 9, warmUps: 0 }, (name) => coldStart(name, { modules: bundles[name], runpod, first }));
    figures[first] = Object.fromEntries(Object.entries(turns).map(([name, of]) => [name, { first: summary(of.map((turn) => turn.first)), second: summary(of.map((turn) => turn.second)) }]));
  }
  return figures;
}

/** Memory of the process, fresh and with live jobs, and the size of what is deployed. */
export async function memoryAndSize(options, { runpod, bundles }) {
  const figures = {};
  for (const name of among(API, options)) {
    const turns = [];
    for (let turn = 0; turn < (options.quick ? 1 : 3); turn++) turns.push(await memory(name, { modules: bundles[name], runpod, jobs: options.quick ? 100 : 500 }));
    figures[name] = { ...Object.fromEntries(Object.keys(turns[0]).map((key) => [key, median(turns.map((turn) => turn[key]))])), gzipped: gzippedBytes(bundles[name]) };
  }
  runpod.forget();
  return figures;
}
