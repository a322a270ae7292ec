package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

var begin = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func down(name string) note {
	return note{kind: config.NotifyChannelDown, subject: name, what: "5 failures in a row"}
}
func up(name string) note {
	return note{kind: config.NotifyChannelDown, subject: name, over: true, what: "back in service"}
}

func newTestGatherer(c *config.Notify) *gatherer {
	if c.Every == 0 {
		c.Every = 10 * time.Minute
	}
	return newGatherer(c, time.UTC, DefaultTiming)
}

// play passes notes to a gatherer at the given seconds, and returns the titles of the
// messages with the seconds at which they are sent.
func play(g *gatherer, happens map[int][]note, until int) (told []string) {
	for second := 0; second <= until; second++ {
		now := begin.Add(time.Duration(second) * time.Second)
		for _, n := range happens[second] {
			g.add(now, n)
		}
		if batch := g.collect(now); len(batch) > 0 {
			told = append(told, fmt.Sprintf("%d %s", second, strings.TrimPrefix(compose(batch, 0, nil, time.UTC).title, "aitunnel: ")))
			g.sent(now, batch)
		}
	}
	return told
}

// The end of a problem is also reported if it ends while its message is being sent, unless that
// message could not be sent.
func TestAnEndWhileAMessageIsSent(t *testing.T) {
	for _, sent := range []bool{true, false} {
		g := newTestGatherer(&config.Notify{})
		g.add(begin, down("a"))
		now := begin.Add(time.Minute)
		batch := g.collect(now)
		g.add(now, up("a"))
		if sent {
			g.sent(now, batch)
		} else {
			g.failed()
		}
		want := []string{"20 channel a is back"}
		if !sent {
			want = nil
		}
		var told []string
		for second := range 100 {
			later := now.Add(time.Duration(second) * time.Second)
			if batch := g.collect(later); len(batch) > 0 {
				told = append(told, fmt.Sprintf("%d %s", second, strings.TrimPrefix(compose(batch, 0, nil, time.UTC).title, "aitunnel: ")))
				g.sent(later, batch)
			}
		}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("sent %v: %v, want %v", sent, told, want)
		}
	}
}

func TestProblemsAreGatheredIntoMessages(t *testing.T) {
	var keys, back []note
	for i := range 10 {
		n := note{kind: config.NotifyKeyInvalid, subject: fmt.Sprintf("primary/k%d", i), what: "refused"}
		keys = append(keys, n)
		n.over = true
		back = append(back, n)
	}
	spent := note{kind: config.NotifyBudget, subject: "phone", once: true, what: "used up"}
	for name, c := range map[string]struct {
		config  config.Notify
		happens map[int][]note
		until   int
		want    []string
	}{
		"a problem and its end": {happens: map[int][]note{0: {down("a")}, 100: {up("a")}}, until: 200, want: []string{"20 channel a is down", "120 channel a is back"}},
		"a short one":           {happens: map[int][]note{0: {down("a")}, 10: {up("a")}}, until: 200},
		"ten keys":              {happens: map[int][]note{0: keys[:4], 30: keys[4:7], 55: keys[7:], 100: back}, until: 300, want: []string{"60 10 keys are refused", "120 10 keys are usable again"}},
		"several kinds":         {happens: map[int][]note{0: keys[:2], 5: {down("a")}}, until: 300, want: []string{"25 channel a is down, 2 keys are refused"}},
		"once each time span":   {happens: map[int][]note{0: {down("a")}, 30: {up("a")}, 60: {down("a")}, 90: {up("a")}, 120: {down("a")}}, until: 1000, want: []string{"20 channel a is down", "50 channel a is back", "620 channel a is down"}},
		"it comes back at once": {happens: map[int][]note{0: {down("a")}, 30: {up("a")}, 35: {down("a")}}, until: 500, want: []string{"20 channel a is down"}},
		"only downs":            {config: config.Notify{Events: []string{config.NotifyChannelDown}}, happens: map[int][]note{0: {down("a")}, 5: keys, 100: {up("a")}}, until: 300, want: []string{"20 channel a is down"}},
		"only ups":              {config: config.Notify{Events: []string{config.NotifyChannelUp}}, happens: map[int][]note{0: {down("a")}, 100: {up("a")}}, until: 300, want: []string{"120 channel a is back"}},
		"a budget":              {happens: map[int][]note{0: {spent}, 100: {spent}}, until: 600, want: []string{"20 client phone has used up its budget"}},
		"quiet":                 {config: config.Notify{Quiet: "11:00-12:05"}, happens: map[int][]note{0: {down("a"), down("b")}, 100: {up("a")}}, until: 400, want: []string{"300 channel b is down"}},
		"quiet over midnight":   {config: config.Notify{Quiet: "23:00-07:00"}, happens: map[int][]note{0: {down("a")}}, until: 100, want: []string{"20 channel a is down"}},
	} {
		if got := play(newTestGatherer(&c.config), c.happens, c.until); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTheMessageSaysWhatToDo(t *testing.T) {
	g := newTestGatherer(&config.Notify{})
	g.add(begin, down("primary"))
	m := compose(g.collect(begin.Add(time.Minute)), 3, []string{"primary", "backup"}, time.UTC)
	for _, want := range []string{"primary: 5 failures in a row (since 2026-11-26 12:00:00 UTC)", "Used instead: backup.", "What to do: ", "3 more problems"} {
		if !strings.Contains(m.body, want) {
			t.Errorf("%q is not in\n%s", want, m.body)
		}
	}
}
