// Calls of bindings with one crossing from the wasm and one back: a crossing for each statement, value, row and
// timer costs more than all of them written as JSON. Statements are a JSON list; each is a list of its text and its
// values. Nothing waits for ever: what a binding does after its time may still happen.

/** How long a binding may take: it answers in milliseconds, or something is wrong with it. */
const BINDING_TIMEOUT_MS = 10_000;

const inTime = (answer) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), BINDING_TIMEOUT_MS);
    const settle = (how) => (value) => {
      clearTimeout(timer);
      how(value);
    };
    answer.then(settle(resolve), settle(reject));
  });

/** Runs statements on an object's storage, all or none. Gives how many rows were written, as they are billed. */
export function runInTransaction(storage, statements) {
  return storage.transactionSync(() =>
    JSON.parse(statements).reduce((rows, [sql, ...values]) => rows + storage.sql.exec(sql, ...values).rowsWritten, 0),
  );
}

// ASCII's own: what they end is JSON, or an id without a control character, see core/src/sql/rows.rs.
const [ROW_END, ANSWER_END] = ["\u001e", "\u001d"];

/** The first column of every row of one statement on an object's storage, each with ROW_END after it. */
export function firstColumn(storage, statement) {
  const [sql, ...values] = JSON.parse(statement);
  return storage.sql.exec(sql, ...values).raw().toArray().map(([first]) => first + ROW_END).join("");
}

const run = (database, statements) => {
  const prepared = JSON.parse(statements).map(([sql, ...values]) => database.prepare(sql).bind(...values));
  return inTime(prepared.length === 1 ? prepared[0].all().then((answer) => [answer]) : database.batch(prepared));
};

/**
 * Runs statements on D1 in one transaction; gives the column `body` of every row, each with ROW_END after it, and
 * ANSWER_END after each statement's.
 */
export const bodies = async (database, statements) => {
  const answers = await run(database, statements);
  return answers.map(({ results }) => results.map(({ body }) => body + ROW_END).join("") + ANSWER_END).join("");
};

/** Runs statements on D1 in one transaction; gives how many rows were written, as they are billed. */
export const written = async (database, statements) => {
  const answers = await run(database, statements);
  return answers.reduce((rows, { meta }) => rows + (meta.rows_written ?? 0), 0);
};

/**
 * Runs statements on D1 in one transaction; gives how many rows were written, with ROW_END after it, and the column
 * `body` of every row of the last statement, each with ROW_END after it.
 */
export const writtenAndBodies = async (database, statements) => {
  const answers = await run(database, statements);
  const rows = answers.reduce((sum, { meta }) => sum + (meta.rows_written ?? 0), 0);
  return rows + ROW_END + answers.at(-1).results.map(({ body }) => body + ROW_END).join("");
};

/**
 * What the bucket has at each of the keys, as JSON: a pair of tag and size, null where there is nothing, and the
 * sentence of an error where it could not be asked.
 */
export const heads = async (bucket, keys) => {
  const answers = await Promise.allSettled(JSON.parse(keys).map((key) => inTime(bucket.head(key))));
  return JSON.stringify(
    answers.map(({ value, reason }) => (reason === undefined ? value && [value.httpEtag, value.size] : String(reason))),
  );
};

const tagsOf = (context, socket) => context.getTags(socket).join(" ");

/** The tags of each socket of an object, each combination once, as JSON. */
export const socketTags = (context) => JSON.stringify([...new Set(context.getWebSockets().map((socket) => tagsOf(context, socket)))]);

/** Sends each socket the texts for its tags, which are JSON pairs. One that is closing is sent nothing. */
export const sendByTags = (context, pairs) => {
  const textsOf = new Map(JSON.parse(pairs));
  for (const socket of context.getWebSockets()) {
    try {
      for (const text of textsOf.get(tagsOf(context, socket)) ?? []) socket.send(text);
    } catch {
      // Its client reconnects with its cursor.
    }
  }
};
