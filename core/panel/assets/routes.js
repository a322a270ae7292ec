// The routes: which requests each takes, and by what plan.

import { now } from './api.js';
import { each, el, setAttribute, setText } from './dom.js';
import { explainForm } from './explain.js';
import { count, percent, plural, sentence, span } from './format.js';
import { standing } from './standing.js';
import { tick } from './ticker.js';

export function routesView(view, store) {
  const list = el('div', { class: 'blocks' });
  view.append(el('h2', { text: 'Routes' }), el('p', { class: 'lead', text: 'The first route whose path and models fit takes a request. Its strategy plans which channel is asked first.' }), list, explainForm());
  store.follow(({ status, channels }) => {
    const items = status.routes.map((r, i) => ({ ...r, id: `${i} ${r.path}`, standings: new Map(channels.map((c) => [c.name, standing(c)])) }));
    each(list, items, (r) => r.id, routeBlock);
  });
}

function routeBlock() {
  const path = el('h3', {});
  const models = el('p', { class: 'models' });
  const strategy = el('dd', {});
  const plan = el('dd', {});
  const reason = el('p', { class: 'reason' });
  const channels = el('ol', { class: 'chain', 'aria-label': 'Channels' });
  const router = el('p', { class: 'hint', hidden: true });
  const shadows = el('ul', { class: 'rows', 'aria-label': 'Shadows' });
  const node = el('article', { class: 'block route' },
    el('header', {}, path, models),
    channels,
    el('dl', { class: 'facts' }, el('div', {}, el('dt', { text: 'Strategy' }), strategy), el('div', {}, el('dt', { text: 'Plan' }), plan)),
    reason, router, shadows);
  let route = null;
  tick(() => node.isConnected && age());
  const age = () => {
    const made = Date.parse(route.plannedAt);
    setText(plan, made > 0 ? `No. ${route.plan}, ${span((now() - made) / 1000)} old` : 'none yet');
  };
  return {
    node,
    update(r) {
      route = r;
      setText(path, r.path);
      setText(models, r.models?.length ? r.models.join(', ') : 'every model');
      setText(strategy, r.strategy);
      setAttribute(strategy, 'title', r.where || 'by default');
      setText(reason, (r.makeshift ? 'The strategy gave no plan, so this one is a makeshift. ' : '') + sentence(r.reason ?? ''));
      reason.className = r.makeshift ? 'reason warn' : 'reason';
      each(channels, r.channels.map((name) => ({ name, ...(r.standings.get(name) ?? { kind: 'off', word: 'unknown' }) })), (c) => c.name, link);
      router.hidden = !r.router;
      if (r.router) setText(router, routing(r.router));
      each(shadows, r.shadows ?? [], (s) => s.strategy, shadowRow);
      age();
    },
  };
}

// routing says what came of asking the strategy about single requests.
function routing(r) {
  const asked = `It is asked about each request: ${plural(r.answered, 'answer')}, ${plural(r.failed, 'failure')}, ${count(r.skipped)} times not asked.`;
  return r.resting ? `${asked} It rests for now, and the plan holds.` : asked;
}

// shadowRow tells of a strategy that plans beside the route's own.
function shadowRow() {
  const name = el('strong', {});
  const words = el('span', { class: 'doc' });
  return {
    node: el('li', {}, el('span', { class: 'kind', text: 'in its shadow' }), name, words),
    update(s) {
      setText(name, s.strategy);
      setAttribute(name, 'title', s.where || null);
      const choices = Object.entries(s.choices ?? {}).map(([channel, n]) => `${channel} ${count(n)}`).join(', ');
      setText(words, s.picks ? `would have chosen the same in ${percent(s.agreed / s.picks)} of ${plural(s.picks, 'request')}: ${choices}` : 'has seen no request yet');
    },
  };
}

function link() {
  const light = el('span', { class: 'light small' });
  const name = el('span', {});
  const node = el('li', {}, light, name);
  return {
    node,
    update(c) {
      light.className = `light small ${c.kind}`;
      setText(name, c.name);
      setAttribute(node, 'title', `${c.name}: ${c.word}`);
    },
  };
}
