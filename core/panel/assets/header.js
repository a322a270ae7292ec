// The top of the page: the state of everything at a glance.

import { now } from './api.js';
import { each, el, find, setAttribute, setText } from './dom.js';
import { percent, rate, span } from './format.js';
import { code, language, languageName, languages, t, useLanguage } from './i18n.js';
import { icon } from './icons.js';
import { stateKind, tunnelKind } from './states.js';
import { tick } from './ticker.js';

export function header(store) {
  themeButton();
  languageChoice();
  const overall = overallState(find('overall'));
  const figures = figureList(find('figures'));
  let started = 0;
  store.follow(({ status, stats, connected }) => {
    started = Date.parse(status.startedAt);
    overall(status.channels, connected);
    const hour = stats.windows?.['1h'];
    figures.set('rate', rate(stats.requestsPerSecond));
    figures.set('success', percent(hour?.requests ? hour.successRate : null));
    figures.set('uptime', span((now() - started) / 1000));
    figures.set('version', status.version);
    lights(find('lights'), status.tunnels);
  });
  tick(() => started && store.state.connected && figures.set('uptime', span((now() - started) / 1000)));
}

function overallState(node) {
  const light = el('span', { class: 'light' });
  const text = el('span', {});
  node.append(light, text);
  return (channels, connected) => {
    light.className = `light ${connected ? stateKind(channels.state) : 'off'}`;
    setText(text, connected ? summary(channels) : t('overall.lost'));
  };
}

// summary puts the state of all channels, which the program determined, into a
// few words.
function summary({ state, total, healthy, states }) {
  const paused = states.paused ?? 0;
  const active = total - paused;
  const parts = [];
  if (!total) return t('overall.none');
  if (state === 'paused') return t('overall.allPaused');
  if (state === 'down') parts.push(t('overall.down'));
  else if (state === 'unknown') parts.push(t('overall.unknown', { n: active }));
  else if (healthy === active) parts.push(t('overall.ready', { n: active }));
  else parts.push(t('overall.some', { up: healthy, n: active }));
  if (states.degraded && healthy) parts.push(t('overall.degraded', { n: states.degraded }));
  if (paused) parts.push(t('overall.paused', { n: paused }));
  return parts.join(t('words.comma'));
}

function figureList(node) {
  const values = new Map();
  for (const name of ['rate', 'success', 'uptime', 'version']) {
    const value = el('dd', { id: `figure-${name}`, text: '–' });
    values.set(name, value);
    node.append(el('div', { class: name, title: name === 'success' ? t('figure.successTitle') : null }, el('dt', { text: t(`figure.${name}`) }), value));
  }
  return { set: (name, text) => setText(values.get(name), text) };
}

function lights(node, tunnels) {
  node.hidden = !tunnels.length;
  each(node, tunnels, (tunnel) => tunnel.name, () => {
    const light = el('span', { class: 'light' });
    const name = el('span', {});
    const link = el('a', { href: '#system' }, light, name);
    return {
      node: el('li', {}, link),
      update(tunnel) {
        const state = code('tunnelState', tunnel.state);
        const label = t('header.tunnel', { name: tunnel.name, state });
        light.className = `light ${tunnelKind(tunnel.state)}`;
        setText(name, tunnel.state === 'up' ? tunnel.name : t('header.light', { name: tunnel.name, state }));
        setAttribute(link, 'title', label);
        setAttribute(link, 'aria-label', label);
      },
    };
  });
}

function languageChoice() {
  const select = find('language');
  select.append(...languages.map((tag) => el('option', { value: tag, text: languageName(tag), lang: tag, selected: tag === language })));
  select.addEventListener('change', () => useLanguage(select.value));
}

// themeButton switches the theme; by default it is the one that the system prefers.
function themeButton() {
  const button = find('theme');
  button.append(icon('theme'));
  const light = matchMedia('(prefers-color-scheme: light)');
  const current = () => document.documentElement.dataset.theme ?? (light.matches ? 'light' : 'dark');
  const other = () => (current() === 'dark' ? 'light' : 'dark');
  const label = () => {
    setAttribute(button, 'aria-label', t(`app.theme.${other()}`));
    setAttribute(button, 'title', t(`app.theme.${other()}`));
  };
  button.addEventListener('click', () => {
    const to = other();
    document.documentElement.dataset.theme = to;
    try {
      localStorage.setItem('aitunnel.theme', to);
    } catch {
      // The browser stores nothing: the choice lasts as long as the page.
    }
    label();
  });
  light.addEventListener('change', label);
  label();
}
