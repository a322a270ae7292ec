// Follows the events of the program, and reconnects when the connection is lost: after
// the last event that was seen, so that none is missed that the program still has.

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15_000;
const SILENCE = 12_000;

export class Stream {
  #wanted = false; // between connect and stop
  #source = null;
  #timer = 0;
  #pause = FIRST_PAUSE;
  #last = 0;
  #heard = 0; // when something was received last, ms
  #event;
  #state;

  // event is called with each event; state with 'live', or with 'lost' and the
  // time of the next try.
  constructor({ event, state }) {
    this.#event = event;
    this.#state = state;
    addEventListener('online', () => this.#wanted && !this.#source && this.connect());
    addEventListener('offline', () => this.#wanted && this.#lost());
  }

  // connect begins, after the event with this id if one is given.
  connect(after = this.#last) {
    this.#close();
    this.#wanted = true;
    this.#last = after;
    this.#heard = Date.now();
    const source = new EventSource(after ? `/api/logs?since=${after}` : '/api/logs');
    source.onopen = () => {
      this.#pause = FIRST_PAUSE;
      this.#heard = Date.now();
      this.#state('live');
    };
    source.onmessage = (message) => {
      this.#heard = Date.now();
      const e = JSON.parse(message.data);
      if (e.id) this.#last = e.id;
      this.#event(e);
    };
    source.onerror = () => this.#lost();
    this.#source = source;
  }

  // suspect reconnects if nothing was received for long: a connection can break without an
  // error, for example while a machine sleeps.
  suspect() {
    if (this.#source && Date.now() - this.#heard > SILENCE) this.connect();
  }

  // stop ends it; connect starts it again.
  stop() {
    this.#wanted = false;
    this.#close();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #lost() {
    this.#close();
    const at = Date.now() + this.#pause;
    this.#timer = setTimeout(() => this.connect(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.#state('lost', at);
  }
}
