// Calls functions that show a running time, such as countdowns, once a second.

const clocks = new Set();

export function tick(f) {
  clocks.add(f);
}

setInterval(() => {
  if (!document.hidden) for (const f of clocks) f();
}, 1000);
