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
  #cursor = '';
  #query = null;
  #turn = 0;

  // ask begins again with a filter; null: with none.
  async ask(query) {
    this.found = [];
    this.more = false;
    this.#cursor = '';
    this.#query = query;
    this.#turn++;
    if (query) await this.next();
  }

  // next gets another page, and returns false if it was not waited for.
  async next() {
    const turn = ++this.#turn;
    const page = await get(`/api/history?${new URLSearchParams({ ...this.#query, limit: PAGE, cursor: this.#cursor })}`);
    if (turn !== this.#turn) return false;
    this.found.push(...page.requests.map(asEvent));
    this.#cursor = page.next ?? '';
    this.more = Boolean(page.next);
    return true;
  }
}

// keptRecord is one request with its attempts.
export const keptRecord = (id) => get(`/api/history/${encodeURIComponent(id)}`);
