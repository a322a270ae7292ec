// Says that what is shown may be old, and lets people try again.

import { el, find, setText } from './dom.js';
import { icon } from './icons.js';
import { tick } from './ticker.js';

// banner returns what is told of the stream and of failures to ask.
export function banner() {
  const text = el('p', {});
  const again = el('button', { type: 'button', text: 'Reconnect now' });
  const place = find('banner');
  place.append(icon('warn'), text, again);
  let lost = 0; // when the next try is
  let trouble = null;
  const show = () => {
    place.hidden = !lost && !trouble;
    if (place.hidden) return;
    const seconds = Math.max(0, Math.ceil((lost - Date.now()) / 1000));
    const when = lost ? (seconds ? ` Trying again in ${seconds} s.` : ' Trying again …') : '';
    setText(text, (trouble ? trouble.message : 'Live updates are lost.') + ' What you see may be old.' + when);
  };
  const self = {
    retry: () => {},
    stream(state, at) {
      lost = state === 'lost' ? at : 0;
      if (!lost) trouble = null;
      show();
    },
    trouble(error) {
      trouble = error && error.status !== 401 ? error : null;
      show();
    },
  };
  again.addEventListener('click', () => self.retry());
  tick(show);
  return self;
}
