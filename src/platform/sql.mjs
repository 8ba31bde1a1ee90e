// SQL of objects and of D1 with one crossing from the wasm and one back: a call for each statement, value and row
// costs more than all of them written as JSON. Statements are a JSON list; each is a list of its text and its values.

/** Runs statements on an object's storage, all or none. Gives how many rows were written, as they are billed. */
export function runInTransaction(storage, statements) {
  return storage.transactionSync(() =>
    JSON.parse(statements).reduce((rows, [sql, ...values]) => rows + storage.sql.exec(sql, ...values).rowsWritten, 0),
  );
}

/** The first column of every row of one statement on an object's storage, as a JSON list. */
export function firstColumn(storage, statement) {
  const [sql, ...values] = JSON.parse(statement);
  return JSON.stringify(storage.sql.exec(sql, ...values).raw().toArray().map(([first]) => first));
}

const run = (database, statements) => {
  const prepared = JSON.parse(statements).map(([sql, ...values]) => database.prepare(sql).bind(...values));
  return prepared.length === 1 ? prepared[0].all().then((answer) => [answer]) : database.batch(prepared);
};

/** Runs statements on D1 in one transaction; gives the column `body` of every row, for each statement, as JSON. */
export const bodies = async (database, statements) => {
  const answers = await run(database, statements);
  return JSON.stringify(answers.map(({ results }) => results.map(({ body }) => body)));
};

/** Runs statements on D1 in one transaction; gives how many rows were written, as they are billed. */
export const written = async (database, statements) => {
  const answers = await run(database, statements);
  return answers.reduce((rows, { meta }) => rows + (meta.rows_written ?? 0), 0);
};
