// The events that the page remembers, the newest first.

const REMEMBERED = 1000;

export class Records {
  all = [];
  #readers = new Set();

  // follow calls f after each change, with what was added at the front, or
  // null if all is another.
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

  #tell(e) {
    for (const f of this.#readers) f(e);
  }
}
