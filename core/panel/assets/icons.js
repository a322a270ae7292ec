// Drawings of 16 by 16, as strokes.

import { svg } from './dom.js';

const strokes = {
  close: 'M4 4l8 8M12 4l-8 8',
  chevron: 'M4 6l4 4 4-4',
  plus: 'M8 3v10M3 8h10',
  theme: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11',
  leave: 'M9 3H4v10h5M7 8h7M11.5 5.5L14 8l-2.5 2.5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3L13.5 13.5',
  check: 'M3 8.5l3.2 3.2L13 5',
  warn: 'M8 2.5L14.5 13.5h-13zM8 6.8v3M8 11.6v.2',
  cards: 'M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.5v4.5h-4.5zM2.5 9h4.5v4.5h-4.5zM9 9h4.5v4.5h-4.5z',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  phone: 'M5 1.8h6a1 1 0 0 1 1 1v10.4a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V2.8a1 1 0 0 1 1-1zM7 12h2',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3',
};

// icon is decoration: its meaning is in the text beside it, or in the label of the
// element around it.
export function icon(name) {
  return svg('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' }, svg('path', { d: strokes[name] }));
}
