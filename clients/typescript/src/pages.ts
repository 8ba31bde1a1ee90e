// Lists that come in pages, read as one.
import type { PageQuery } from "./types.js";

/** Every item of all pages, each page fetched when it is reached. */
export async function* itemsOf<Page extends { next_cursor: string | null }, Item>(
  fetchPage: (query: PageQuery) => Promise<Page>,
  items: (page: Page) => Item[],
  query: PageQuery,
): AsyncGenerator<Item, void, undefined> {
  for (let cursor: string | null = query.cursor ?? null; ; ) {
    const page = await fetchPage(cursor === null ? query : { ...query, cursor });
    yield* items(page);
    if (page.next_cursor === null) return;
    cursor = page.next_cursor;
  }
}
