// Calls once a second what shows a time that runs: countdowns and ages.

const clocks = new Set();

export function tick(f) {
  clocks.add(f);
}

setInterval(() => {
  if (!document.hidden) for (const f of clocks) f();
}, 1000);
