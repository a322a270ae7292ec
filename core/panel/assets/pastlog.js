// Requests from the history: pages of those that match a filter.

import { get } from './api.js';

const PAGE = 100;

// fields are the parts of a filter other than the time.
export const fields = ['client', 'channel', 'key', 'model', 'status', 'verdict'];

// asEvent converts a request of the history to an event of the log.
export const asEvent = (r) => ({ type: 'request', time: r.time, request: r, kept: true });

// Past has what was found so far, newest first.
export class Past {
  found = [];
  more = false;
  searchedTo = null; // during a search: how far back it has searched
  #cursor = '';
  #query = null;
  #turn = 0;

  // ask starts a new search with a filter, null for none, and returns the result of next.
  async ask(query, progress) {
    this.found = [];
    this.more = false;
    this.searchedTo = null;
    this.#cursor = '';
    this.#query = query;
    this.#turn++;
    return query ? this.next(progress) : false;
  }

  // next fetches another page, and returns false if a new search began meanwhile. The history
  // searches in pieces: progress is called after each but the last.
  async next(progress = () => {}) {
    const turn = ++this.#turn;
    for (let left = PAGE; ;) {
      const page = await get(`/api/history?${new URLSearchParams({ ...this.#query, limit: left, cursor: this.#cursor })}`);
      if (turn !== this.#turn) return false;
      this.found.push(...page.requests.map(asEvent));
      this.#cursor = page.next ?? '';
      this.more = Boolean(page.next);
      left -= page.requests.length;
      this.searchedTo = left > 0 ? page.searched_to ?? null : null;
      if (!this.searchedTo) return true;
      progress();
    }
  }
}

// keptRecord is one request with its attempts.
export const keptRecord = (id) => get(`/api/history/${encodeURIComponent(id)}`);
