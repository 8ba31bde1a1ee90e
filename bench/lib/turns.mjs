// Turns of all forms, one form after the other. The order rotates and reverses, so that none always runs on the
// caches, the clock speed or the neighbours that another leaves behind.

export function orders(names, turns) {
  return Array.from({ length: turns }, (_, turn) => {
    const at = Math.floor(turn / 2) % names.length;
    const rotated = [...names.slice(at), ...names.slice(0, at)];
    return turn % 2 === 0 ? rotated : rotated.reverse();
  });
}

/** Runs a turn of each form, `turns` times after `warmUps`; gives what each turn gave, by form. */
export async function takeTurns(names, { turns, warmUps = 1, onTurn = () => {} }, turnOf) {
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (const [index, order] of orders(names, turns + warmUps).entries()) {
    for (const name of order) {
      const result = await turnOf(name, index);
      if (index >= warmUps) results[name].push(result);
    }
    onTurn(index + 1, turns + warmUps);
  }
  return results;
}
