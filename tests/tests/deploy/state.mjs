// The SQLite files of a Worker's state folder: the storage of its objects, the database and the bucket.
//
//   close FOLDER             leaves one file of each database; prints the time, and the jobs' own records
//   move FOLDER MANIFEST AGE_MS ENDPOINT
//                            makes both tell that they were recorded AGE_MS ago, with RunPod at ENDPOINT
//
// A fixture would not be the same twice if its times stayed: deadlines pass while it lies there. Only
// times and the address of RunPod are changed, wherever they are; nothing else is known of what is stored.
import { createHmac } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

const HOUR_MS = 3_600_000n;
const MONTH_MS = 30n * 24n * HOUR_MS;
const NS_PER_MS = 1_000_000n;

function close(folder) {
  const jobs = {};
  for (const database of databases(folder)) {
    // The last connection to end takes the log with it.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    if (tables(database).includes("sheet")) {
      const row = database.prepare("SELECT body FROM sheet WHERE name = 'job'").get();
      if (row) jobs[JSON.parse(row.body).id] = JSON.parse(row.body);
    }
    database.close();
  }
  console.log(JSON.stringify({ now_ms: Date.now(), jobs }));
}

function move(folder, manifestFile, ageMs, endpoint) {
  const text = fs.readFileSync(manifestFile, "utf8");
  const { recorded_at_ms: recordedAtMs, settings } = JSON.parse(text);
  const recordedAt = BigInt(recordedAtMs);
  const delta = BigInt(Date.now()) - BigInt(ageMs) - recordedAt;
  const ofTheRecording = (ms) => ms >= recordedAt - HOUR_MS && ms <= recordedAt + MONTH_MS;
  const number = (value) => {
    if (ofTheRecording(value)) return value + delta;
    // The runtime keeps its alarms in nanoseconds.
    return ofTheRecording(value / NS_PER_MS) ? value + delta * NS_PER_MS : value;
  };
  const words = (value) =>
    value
      .replace(/(?<![\w.])\d{13}(?![\w.])/g, (digits) => String(number(BigInt(digits))))
      .replaceAll(settings.RUNPOD_ENDPOINT, endpoint);
  const moved = (value) => {
    if (typeof value === "bigint") return number(value);
    return typeof value === "string" ? words(value) : value;
  };

  for (const database of databases(folder)) {
    database.function("moved", { useBigIntArguments: true, deterministic: true }, moved);
    database.exec("BEGIN");
    for (const table of tables(database)) {
      for (const { name } of database.prepare(`PRAGMA table_info("${table}")`).all()) {
        database.exec(`UPDATE "${table}" SET "${name}" = moved("${name}") WHERE "${name}" IS NOT moved("${name}")`);
      }
    }
    database.exec("COMMIT");
    database.close();
  }

  const iso = (date) => new Date(Date.parse(date) + Number(delta)).toISOString();
  const callback = (_, before, job, attempt, expiry, mac) => {
    const sign = (expiry) => createHmac("sha256", settings.SIGNING_KEY).update(`callback\n${job}\n${attempt}\n${expiry}`).digest("hex");
    if (sign(expiry) !== mac) throw new Error("this release signs its callbacks in another way");
    const movedExpiry = BigInt(expiry) + delta / 1000n;
    return `${before}${attempt}.${movedExpiry}.${sign(movedExpiry)}`;
  };
  fs.writeFileSync(
    manifestFile,
    words(text)
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, iso)
      .replace(/(\/api\/jobs\/([0-9a-f-]{36})\/do\/)(\d+)\.(\d+)\.([0-9a-f]{64})/g, callback),
  );
}

const databases = (folder) =>
  fs
    .readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".sqlite"))
    .map((name) => new DatabaseSync(path.join(folder, name)));

const tables = (database) =>
  database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map(({ name }) => name);

const [task, ...given] = process.argv.slice(2);
({ close, move })[task](...given);
