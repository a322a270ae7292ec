package paneltest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestAKeyIsAddedAndRemoved(t *testing.T) {
	const secret = "sk-added-by-the-panel-4711"
	r, primary, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.press(`[data-name="primary"]`, "Add keys to primary")
	p.press("dialog", "Add keys")
	p.shows("dialog .field .error", "Enter a key first")
	p.field("Keys", secret+" from the panel")
	p.press("dialog", "Add keys")
	p.shows("#toasts", "1 key added")
	p.shows(`[data-name="primary"] .keylist`, "from the panel")
	p.shows(`[data-name="primary"] .keys`, "3 / 3")
	if c := r.config(); !strings.Contains(c, secret) || !strings.Contains(c, "# my favorite") || !strings.Contains(c, "# The channels of the test.") {
		t.Errorf("comments are missing in the configuration with the key:\n%s", c)
	}
	testhelp.Eventually(t, "the key is used", func() bool {
		r.ask("m")
		for _, seen := range primary.Requests() {
			if strings.Contains(seen.Credential, secret) {
				return true
			}
		}
		return false
	})
	if shown := eval[string](p, "document.documentElement.outerHTML + JSON.stringify(localStorage)"); strings.Contains(shown, secret) {
		t.Error("the page contains the key")
	}
	p.expect("ERR_", "Failed to load resource")
	r.restart()
	p.reload()
	p.shows(`[data-name="primary"] .keylist`, "from the panel")
	p.press(`[data-name="primary"]`, "Remove the key from the panel from primary")
	p.press("dialog", "Cancel")
	p.press(`[data-name="primary"]`, "Remove the key from the panel from primary")
	p.press("dialog", "Remove key")
	p.shows("#toasts", "was removed")
	p.shows(`[data-name="primary"] .keys`, "2 / 2")
	if strings.Contains(r.config(), secret) {
		t.Errorf("the key is still in the configuration")
	}
}

func TestAChannelIsAddedChangedAndRemoved(t *testing.T) {
	r, _, _ := begin(t, "")
	third := site(t, "third")
	p := r.open("/", 1280, 900)
	p.click(`document.querySelector('#add-channel')`)
	p.field("Name", "third")
	p.field("Address", "not an address")
	p.field("Keys", "sk-third-of-the-test")
	p.expect("422", "400")
	p.press("dialog", "Add channel")
	p.shows("dialog .field:has([aria-invalid]) .error", "Expected a URL that begins with https://")
	p.field("Address", third.URL())
	p.field("Weight", "50")
	p.press("dialog", "Time limits")
	p.field("Longest pause within an answer", "3m")
	p.press("dialog", "Limits")
	p.field("Requests at the same time", "auto")
	p.press("dialog", "Health check")
	p.choose("How the site is checked", "http")
	p.field("path", "/v1/models")
	p.field("Time between two checks", "1h")
	if preview := eval[string](p, `document.querySelector('dialog .preview').textContent`); strings.Contains(preview, "sk-third") || !strings.Contains(preview, "••••") {
		t.Errorf("the preview is\n%s", preview)
	}
	p.frames("add-channel-all")
	p.press("dialog", "Add channel")
	p.shows("#toasts", "third was added")
	if c := r.config(); !strings.Contains(c, `  weight = 50
  keys   = ["sk-third-of-the-test"]
  timeouts {
    stream_idle = "3m"
  }
  limit {
    concurrent = "auto"
  }
  health_check "http" {
    path = "/v1/models"
    interval = "1h"
  }
`) {
		t.Errorf("the configuration is\n%s", c)
	}
	p.shows(`[data-name="third"] .weight`, "50")
	if from, _ := r.ask("m"); from != "third" {
		t.Errorf("with the heaviest channel added, %q answers", from)
	}
	p.press(`[data-name="third"]`, "Edit third")
	p.field("Weight", "0.5")
	p.click(`document.querySelector('dialog summary')`)
	p.field("Names of models at the site", "our-model")
	p.press("dialog", "Save")
	p.shows("dialog .field .error", "name in requests = name at the site")
	p.field("Names of models at the site", "our-model = their-model")
	p.field("Requests in flight at once", "7")
	p.field("Until the answer begins", "soon")
	p.press("dialog", "Save")
	p.shows("dialog .field:has([aria-invalid]) .error", "duration")
	p.field("Until the answer begins", "90s")
	p.press("dialog", "Egress")
	p.field("Ways to the site", "direct, environment")
	p.choose("How the next key is chosen", "weighted")
	p.shows("dialog .preview", "egress = [egress.direct, egress.environment]")
	p.frames("edit-channel-all")
	p.press("dialog", "Save")
	p.shows(`[data-name="third"] .weight`, "0.5")
	if from, _ := r.ask("m"); from != "primary" {
		t.Errorf("with the channel lighter, %q answers", from)
	}
	if c := r.config(); !strings.Contains(c, `model_map     = { "our-model" = "their-model" }`) && !strings.Contains(c, `model_map = { "our-model" = "their-model" }`) || !strings.Contains(c, "max_in_flight") {
		t.Errorf("the settings are not in the configuration:\n%s", c)
	}
	if got := r.channel("third"); got.MaxInFlight != 7 || got.ModelMap["our-model"] != "their-model" {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"first_byte = \"90s\"", "stream_idle = \"3m\"", "egress = [egress.direct, egress.environment]", "key_selector \"weighted\" {}"} {
		if c := r.config(); !strings.Contains(c, want) {
			t.Errorf("the configuration has no %s\n%s", want, c)
		}
	}
	p.press(`[data-name="third"]`, "Edit third")
	p.press("dialog", "Remove channel")
	p.press("dialog:last-of-type", "Remove channel")
	p.until(`!document.querySelector('[data-name="third"]')`)
	if strings.Contains(r.config(), "third") {
		t.Errorf("the channel is still in the configuration:\n%s", r.config())
	}
}

// typed replaces a text in the editor by typing.
func (p *tab) typed(old, text string) {
	p.t.Helper()
	p.until(`(() => { const n = document.querySelector('.editor textarea'); const at = n.value.indexOf(%s); if (at < 0) return false; n.focus(); n.setSelectionRange(at, at + %s.length); return true; })()`, old, old)
	p.keys(text)
}

func TestABadConfigurationShowsItsLine(t *testing.T) {
	r, _, _ := begin(t, "")
	before := r.config()
	p := r.open("/#config", 1280, 900)
	p.expect("422")
	p.until(`document.querySelector('.editor textarea').value.includes('my favorite')`)
	if text := eval[string](p, "document.querySelector('.editor textarea').value + document.body.innerText"); strings.Contains(text, "of-the-test") {
		t.Errorf("the editor shows a key:\n%s", text)
	}
	p.shows(".verdict", "No errors")
	p.typed("weight = 10", "weigth = 10")
	above, _, _ := strings.Cut(before, "weight = 10")
	line := 1 + strings.Count(above, "\n")
	p.until(`document.querySelectorAll('.gutter .error').length === 1`)
	if got := eval[int](p, "Number(document.querySelector('.gutter .error').innerText)"); got != line {
		t.Errorf("the error is marked in line %d, it is in %d", got, line)
	}
	p.shows(".editor .error .note", "")
	p.until(`document.querySelector('.editor pre .error').innerText.includes('weigth')`)
	p.shows(".mistakes", "weight")
	p.shot("bad-config")
	p.press(".toolbar", "Save and apply")
	p.shows("#toasts", "not saved")
	if r.config() != before {
		t.Error("an invalid configuration was written")
	}
	p.typed("weigth = 10", "weight = 3")
	p.shows(".verdict", "No errors")
	p.shows(".changes", `channel "primary"`)
	p.press(".toolbar", "Save and apply")
	p.shows("#toasts", "Saved and applied")
	if want := strings.Replace(before, "weight = 10", "weight = 3", 1); r.config() != want {
		t.Errorf("written:\n%s\nwant:\n%s", r.config(), want)
	}
	if w := r.channel("primary").Weight; w != 3 {
		t.Errorf("the weight is %v", w)
	}
}

func TestAConflictingEditIsReported(t *testing.T) {
	r, _, _ := begin(t, "")
	ours, theirs := r.open("/#config", 1280, 900), r.open("/#config", 1280, 900)
	ours.expect("412")
	for _, p := range []*tab{ours, theirs} {
		p.shows(".verdict", "No errors")
	}
	ours.typed("weight = 10", "weight = 3 # ours")
	theirs.typed("weight = 10", "weight = 7 # theirs")
	theirs.press(".toolbar", "Save and apply")
	theirs.shows("#toasts", "Saved")
	ours.press(".toolbar", "Save and apply")
	ours.shows(".conflict", "changed elsewhere")
	ours.shot("conflict")
	if !strings.Contains(r.config(), "# theirs") || r.channel("primary").Weight != 7 {
		t.Errorf("the first edit is lost:\n%s", r.config())
	}
	if text := eval[string](ours, "document.querySelector('.editor textarea').value"); !strings.Contains(text, "# ours") {
		t.Errorf("the second edit is lost:\n%s", text)
	}
	ours.press(".conflict", "Replace it with mine")
	ours.shows("#toasts", "Saved")
	if !strings.Contains(r.config(), "# ours") {
		t.Errorf("the second edit is not written:\n%s", r.config())
	}
	theirs.shows(".verdict", "No errors")
	theirs.until(`document.querySelector('.editor textarea').value.includes('# ours')`)
}

// TestFilesOfADirectory edits the second of two files.
func TestFilesOfADirectory(t *testing.T) {
	dir := t.TempDir()
	more := filepath.Join(dir, "channels.hcl")
	text := two(site(t, "primary"), site(t, "backup"), "")
	if err := os.WriteFile(more, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, "", func(o *daemon.Options) {
		b, err := os.ReadFile(o.ConfigPath)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "base.hcl"), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		o.ConfigPath = dir
	})
	p := r.open("/#config", 1280, 900)
	p.expect("422")
	p.until(`document.querySelector('.file select')?.innerText.trim() === 'base.hcl\nchannels.hcl'`)
	choose := func(name string) {
		t.Helper()
		p.until(`(() => { const n = document.querySelector('.file select'); n.selectedIndex = [...n.options].findIndex((o) => o.text === %s); n.dispatchEvent(new Event('change')); return true; })()`, name)
	}
	choose("channels.hcl")
	p.until(`document.querySelector('.editor textarea').value.includes('my favorite')`)
	p.typed("weight = 10", "weigth = 10")
	p.until(`document.querySelector('.editor pre .error')?.innerText.includes('weigth')`)
	p.typed("weigth = 10", "weight = 4")
	p.shows(".verdict", "No errors")
	p.press(".toolbar", "Save and apply")
	p.shows("#toasts", "Saved and applied")
	if b, err := os.ReadFile(more); err != nil || string(b) != strings.Replace(text, "weight = 10", "weight = 4", 1) {
		t.Errorf("written, %v:\n%s", err, b)
	}
	choose("base.hcl")
	p.until(`document.querySelector('.editor textarea').value.includes('proxy {')`)
}

// TestAnInvalidFileIsReported that another editor has written.
func TestAnInvalidFileIsReported(t *testing.T) {
	r, _, _ := begin(t, "")
	good := r.config()
	p := r.open("/", 1280, 900)
	p.expect("422")
	p.shows("#overall", "2 channels")
	r.write(strings.Replace(good, "weight = 10", "weigth = 10", 1))
	p.shows("#notice", "Did you mean")
	p.press("#notice", "Show it")
	p.until(`document.querySelector('.editor pre .error')?.innerText.includes('weigth')`)
	r.write(good)
	p.until(`document.querySelector('#notice').hidden`)
	p.shows(".verdict", "No errors")
}
