package paneltest

import (
	"strings"
	"testing"
)

// contrasts lists the texts whose contrast with their background is below that of WCAG AA.
const contrasts = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const behind = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement) { const c = rgba(getComputedStyle(n).backgroundColor); layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((below, top) => over(top, below), [0, 0, 0]);
  };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const out = new Set();
  const walk = document.createTreeWalker(document.querySelector('dialog') ?? document.body, NodeFilter.SHOW_TEXT);
  for (let t = walk.nextNode(); t; t = walk.nextNode()) {
    const n = t.parentElement;
    if (!t.data.trim() || !n.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || n.closest(':disabled, textarea, option, .skip')) continue;
    const style = getComputedStyle(n);
    const ground = behind(n);
    const [a, b] = [light(over(rgba(style.color), ground)), light(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) out.add(n.className + ' "' + t.data.trim().slice(0, 30) + '": ' + ratio.toFixed(2));
  }
  return [...out];
})()`

// nameless lists the controls without an accessible name.
const nameless = `[...document.querySelectorAll('button, a, input, select, textarea, svg[role="img"]')].filter((n) => n.checkVisibility())
  .filter((n) => !(n.innerText?.trim() || n.ariaLabel || n.labels?.length)).map((n) => n.outerHTML.slice(0, 120))`

// wide lists the elements that are wider than the window.
const wide = `[...document.querySelectorAll('dialog')].filter((n) => n.scrollWidth > n.clientWidth).map((n) => 'a dialog is ' + n.scrollWidth + ' wide').concat(document.documentElement.scrollWidth > document.documentElement.clientWidth ? [...document.querySelectorAll('#content *')].filter((n) => n.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((n) => n.tagName + '.' + n.className).slice(0, 5).concat(['the page is ' + document.documentElement.scrollWidth + ' wide']) : [])`

// TestThePanelIsReadableAndNamed checks each view in both themes and three widths.
func TestThePanelIsReadableAndNamed(t *testing.T) {
	s := startBusy(t, 4)
	s.sendRequests(8)
	s.breakHalf()
	s.sendRequests(8)
	p := s.open("/", 1280, 900)
	p.shows("#overall", "of 4 channels")
	look := func(what string) {
		t.Helper()
		for _, theme := range []string{"dark", "light"} {
			p.theme(theme)
			for _, faint := range eval[[]string](p, contrasts) {
				t.Errorf("%s, %s: %s", what, theme, faint)
			}
		}
		for _, node := range eval[[]string](p, nameless) {
			t.Errorf("%s: without a name: %s", what, node)
		}
		for _, width := range []int64{360, 768, 1280} {
			p.size(width, 900)
			for _, node := range eval[[]string](p, wide) {
				t.Errorf("%s at %d: %s", what, width, node)
			}
		}
	}
	look("Channels")
	for _, view := range views {
		p.press("#views", view.title)
		p.shows(view.there, "")
		look(view.title)
	}
	p.press("#views", "Channels")
	p.click(`document.querySelector('[title="List"]')`)
	p.click(`document.querySelector('.expand')`)
	look("the list")
	p.click(`document.querySelector('#add-channel')`)
	p.shows("dialog", "Add a channel")
	look("the form")
	p.press("dialog", "Cancel")
	p.press("#content", "Edit "+s.sites[0].Name())
	look("the form of a channel")
	p.press("dialog", "Cancel")
	p.click(`document.querySelector('.latest .row')`)
	p.shows("dialog", "attempt")
	look("the record")
}

// TestThePanelWorksByKeyboard pauses a channel without a mouse.
func TestThePanelWorksByKeyboard(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.shows("#overall", "2 channels")
	reach := func(label string) {
		t.Helper()
		seen := []string{}
		for range 60 {
			p.keys("\t")
			at := eval[string](p, "document.activeElement.ariaLabel || document.activeElement.innerText || ''")
			if strings.TrimSpace(at) == label {
				if ring := eval[string](p, "getComputedStyle(document.activeElement).outlineStyle"); ring == "none" {
					t.Errorf("the focus on %q is not visible", label)
				}
				return
			}
			seen = append(seen, at)
		}
		t.Fatalf("the Tab key does not reach %q, only %q", label, seen)
	}
	reach("Skip to the content")
	reach("Pause primary")
	p.keys("\r")
	p.shows("#toasts", "primary is paused")
	p.until(`document.activeElement.ariaLabel === 'Resume primary'`)
	reach("Edit primary")
	p.keys("\r")
	p.until(`document.activeElement.closest('dialog')`)
	p.keys("\x1b")
	p.until(`!document.querySelector('dialog') && document.activeElement.ariaLabel === 'Edit primary'`)
}

// TestTheThemeIsKept changes the theme and loads the page again.
func TestTheThemeIsKept(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.theme("light")
	ground := func() string { return eval[string](p, "getComputedStyle(document.documentElement).backgroundColor") }
	p.shows("#overall", "2 channels")
	light := ground()
	p.press(".top", "Use the dark theme")
	dark := ground()
	if light == dark {
		t.Errorf("both themes are %s", light)
	}
	p.reload()
	p.shows("#overall", "2 channels")
	if now := ground(); now != dark {
		t.Errorf("after a reload the background is %s, it was %s", now, dark)
	}
}
