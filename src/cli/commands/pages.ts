/** Answers that come page by page. */
import type { NodeClient } from '../client.ts'

/** Asked for at a time. */
export const PAGE_LIMIT = 1000

export async function* pagesOf<Page extends { nextCursor?: string }>(
  client: NodeClient,
  address: string,
  query: URLSearchParams,
): AsyncGenerator<Page> {
  for (;;) {
    const page = await client.get<Page>(`${address}?${query}`)
    yield page
    if (page.nextCursor === undefined) return
    query.set('cursor', page.nextCursor)
  }
}

export async function gathered<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(page)
  return all
}
