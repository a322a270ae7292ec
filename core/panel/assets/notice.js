// Says that the configuration in the files is not in use, that the disk cannot be written to,
// and other problems of the machine.

import { el, find, setText } from './dom.js';
import { diagnosticLine } from './format.js';
import { has, t } from './i18n.js';
import { icon } from './icons.js';

export function notice(store) {
  const text = el('p', {});
  const place = find('notice');
  place.append(icon('warn'), text, el('a', { href: '#config', text: t('banner.look') }));
  const disk = el('p', {});
  find('unsaved').append(icon('warn'), disk);
  const problems = el('p', {});
  find('problems').append(icon('warn'), problems);
  const show = ({ status }) => {
    if (!status) return;
    const lasting = status.problems ?? [];
    find('problems').hidden = !lasting.length;
    setText(problems, lasting.map((p) => (has(`problem.${p.code}`) ? t(`problem.${p.code}`, p) : `${p.code}: ${p.path}`)).join(' '));
    const kept = status.unsaved ?? [];
    find('unsaved').hidden = !kept.length;
    setText(disk, kept.length ? t('banner.unsaved', { reason: kept.join('; ') }) : '');
    const r = status.lastReload;
    place.hidden = !r || r.ok || Boolean(r.stale) || location.hash.startsWith('#config'); // that view shows it
    if (place.hidden) return;
    const errors = r.diagnostics.filter((d) => d.severity !== 'warning');
    const reason = errors.length ? diagnosticLine(errors[0]) : r.error;
    setText(text, [t('banner.config', { reason }), errors.length > 1 && t('banner.more', { n: errors.length - 1 })].filter(Boolean).join(' '));
  };
  store.follow(show);
  addEventListener('hashchange', () => show(store.state));
}
