// Says that what is shown may be out of date, and lets people reconnect.

import { el, find, setText } from './dom.js';
import { t } from './i18n.js';
import { icon } from './icons.js';
import { tick } from './ticker.js';

// banner returns the functions that report the state of the stream and of requests.
export function banner() {
  const text = el('p', {});
  const again = el('button', { type: 'button', text: t('banner.reconnect') });
  const place = find('banner');
  place.append(icon('warn'), text, again);
  let lost = 0; // when the next try is
  let trouble = null;
  const show = () => {
    place.hidden = !lost && !trouble;
    if (place.hidden) return;
    const seconds = Math.max(0, Math.ceil((lost - Date.now()) / 1000));
    const when = lost && (seconds ? t('banner.retryIn', { n: seconds }) : t('banner.retrying'));
    setText(text, [trouble ? t('banner.trouble', { reason: trouble.message }) : t('banner.lost'), when].filter(Boolean).join(' '));
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
