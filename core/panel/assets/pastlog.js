// The requests that the history has: pages of those that a filter matches.

import { get } from './api.js';

const PAGE = 100;

// fields are what can be asked for, beside the time.
export const fields = ['client', 'channel', 'key', 'model', 'status', 'verdict'];

// asEvent makes a kept request what the log shows.
export const asEvent = (r) => ({ type: 'request', time: r.time, request: r, kept: true });

// Past is what was found so far, the newest first.
export class Past {
  found = [];
  more = false;
  searchedTo = null; // while a search goes on: how far back it came
  #cursor = '';
  #query = null;
  #turn = 0;

  // ask begins again with a filter, and returns what next does; null: with none.
  async ask(query, progress) {
    this.found = [];
    this.more = false;
    this.searchedTo = null;
    this.#cursor = '';
    this.#query = query;
    this.#turn++;
    return query ? this.next(progress) : false;
  }

  // next gets another page, and returns false if it was not waited for. The history
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
