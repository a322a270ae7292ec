package paneltest

import (
	"slices"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestAMillionRequestsInThePage measures how long the page takes, from the click to the
// drawn chart, for a year by day of a million requests, and to go back in the log. The
// page shows what the API sums up.
func TestAMillionRequestsInThePage(t *testing.T) {
	if !testhelp.Soak() {
		t.Skip("run with AITUNNEL_SOAK=1")
	}
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""), remember(t, 1_000_000, 364*24*time.Hour))
	p := r.open("/#usage", 1280, 900)
	p.until(`document.querySelector('#view-usage .chart-frame[data-ready]')`)
	wait := func(what, expression string, limit float64) {
		t.Helper()
		var all []float64
		for range 5 {
			all = append(all, eval[float64](p, `(async () => { const at = performance.now(); await `+expression+`; await new Promise(requestAnimationFrame); return performance.now() - at; })()`))
		}
		took := slices.Min(all)
		t.Logf("%s: %.0f ms", what, took)
		if took > limit*5 { // for a busy machine
			t.Errorf("%s takes %.0f ms, %.0f at most", what, took, limit)
		}
	}
	eval[bool](p, `(window.drawn = (press) => new Promise((done) => {
  const chart = document.querySelector('.chart-frame');
  const o = new MutationObserver(() => { if (document.querySelector('.chart .series')) { o.disconnect(); done(); } });
  o.observe(chart, { childList: true, subtree: true, attributes: true });
  press();
}), true)`)
	press := func(words string) string {
		return `drawn(() => [...document.querySelectorAll('#view-usage .segments button')].find((b) => b.innerText.trim() === '` + words + `').click())`
	}
	by := func(what string) string {
		return `drawn(() => { const s = document.querySelector('#view-usage select'); s.value = '` + what + `'; s.dispatchEvent(new Event('change')); })`
	}
	wait("a year by day and model", press("365 days"), 200)
	wait("a year by day and channel", by("channel"), 200)
	wait("a year by day and model again", by("model"), 200)
	wait("a month by day", press("30 days"), 200)
	p.shots("usage-million")

	var requests int64
	p.press("#view-usage", "365 days")
	u := r.usage("by=model&from=364d")
	for _, row := range u.Rows {
		requests += row.Requests
	}
	p.until(`[...document.querySelectorAll('#view-usage section .figures-table tbody tr')].reduce((n, r) => n + Number(r.children[1].textContent.replaceAll(',', '')), 0) === %s`, requests)
	if requests < 990_000 {
		t.Errorf("%d requests in a year", requests)
	}

	p.press("#views", "Log")
	p.until(`document.querySelector('#view-log .foot button')?.checkVisibility()`)
	eval[bool](p, `(window.more = () => new Promise((done) => {
  const list = document.querySelector('#view-log ol.log');
  const before = list.children.length;
  const o = new MutationObserver(() => { if (list.children.length > before) { o.disconnect(); done(); } });
  o.observe(list, { childList: true });
  document.querySelector('#view-log .foot button').click();
}), true)`)
	wait("a hundred older requests", "more()", 200)
	p.shots("log-million")
}
