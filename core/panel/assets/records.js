// The events that the page keeps, newest first.

const REMEMBERED = 1000;

export class Records {
  all = [];
  #readers = new Set();

  // follow calls f after each change, with what was added at the front, or
  // null if everything was replaced.
  follow(f) {
    this.#readers.add(f);
  }

  replace(events) {
    this.all = events.filter((e) => e.type !== 'notice').reverse();
    this.#tell(null);
  }

  add(e) {
    if (e.id && this.all.some((known, i) => i < 100 && known.id === e.id && known.time === e.time)) return;
    this.all.unshift(e);
    if (this.all.length > REMEMBERED) this.all.length = REMEMBERED;
    this.#tell(e);
  }

  // addKept adds requests of the history that are not known yet.
  addKept(events) {
    const known = new Set(this.all.map((e) => e.request?.id));
    const fresh = events.filter((e) => !known.has(e.request.id));
    if (!fresh.length) return;
    this.all = [...this.all, ...fresh].sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
    this.#tell(null);
  }

  #tell(e) {
    for (const f of this.#readers) f(e);
  }
}
