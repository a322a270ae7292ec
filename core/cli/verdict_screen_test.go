package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// TestVerdictsOnOneScreen: the explanation of a real answer fits on a screen of 24 lines.
func TestVerdictsOnOneScreen(t *testing.T) {
	t.Parallel()
	cases := map[string]verdict.Case{}
	for _, c := range verdict.Corpus() {
		cases[c.Name] = c
	}
	for _, name := range []string{
		"field-01-openrouter-moderation", "field-05-unsupported-country", "field-06-gemini-location", "field-07-gemini-bad-key", "field-08-anthropic-credit",
		"field-53-challenge-page", "gemini-day-limit", "new-api-no-channel", "zhipu-five-hours", "suspect-403",
	} {
		c, ok := cases[name]
		if !ok {
			t.Errorf("there is no answer %s", name)
			continue
		}
		file := filepath.Join(t.TempDir(), "answer.http")
		if err := os.WriteFile(file, []byte(c.Wire), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		args := []string{"--state-dir", t.TempDir(), "verdict", "test", file, "--model", c.Request.Model, "--dialect", c.Request.Dialect}
		if code := Run(context.Background(), args, nil, &out, &errs); code != command.ExitOK {
			t.Errorf("%s: exit %d: %s", name, code, errs.String())
		}
		lines := 0
		for line := range strings.Lines(out.String()) {
			lines += 1 + len([]rune(line))/160
		}
		if lines > 24 || !strings.Contains(out.String(), "Means     "+string(c.Want.Means)+":") {
			t.Errorf("%s: %d lines\n%s", name, lines, out.String())
		}
	}
}

// TestUnknownAnswersAreShown: first the part that is safe to share, then the whole answer.
func TestUnknownAnswersAreShown(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	store, err := unknown.Open(unknown.Dir(state), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	a := verdict.Answer{Status: 403, Body: []byte(`{"error":{"message":"Wilhelmina may not"}}`), Header: map[string][]string{"Content-Type": {"application/json"}}, Now: verdict.CaseTime}
	store.Keep(unknown.Answer{Channel: "home", Answer: a, Verdict: verdict.New(verdict.Options{}).Judge(a)})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := unknown.List(unknown.Dir(state))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	exported := filepath.Join(t.TempDir(), "answer.txtar")
	var out, errs bytes.Buffer
	if code := Run(context.Background(), []string{"--state-dir", state, "verdict", "unknown", list[0].Key, "--export", exported}, nil, &out, &errs); code != command.ExitOK {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	if shared, all, ok := strings.Cut(out.String(), "do not share it:"); !ok || strings.Contains(shared, "Wilhelmina") || !strings.Contains(all, "Wilhelmina may not") {
		t.Error(out.String())
	}
	text, err := os.ReadFile(exported)
	if err != nil || strings.Contains(string(text), "Wilhelmina") || !strings.Contains(string(text), "-- answer --") {
		t.Errorf("%v\n%s", err, text)
	}
	out.Reset()
	if code := Run(context.Background(), []string{"--state-dir", state, "verdict", "unknown"}, nil, &out, &errs); code != command.ExitOK || !strings.Contains(out.String(), list[0].Key) || !strings.Contains(out.String(), "home") {
		t.Errorf("%s %s", out.String(), errs.String())
	}
	out.Reset()
	if code := Run(context.Background(), []string{"--state-dir", state, "verdict", "unknown", "remove", list[0].Key}, nil, &out, &errs); code != command.ExitOK || out.String() != "Removed 1 answer.\n" {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
	if list, err := unknown.List(unknown.Dir(state)); err != nil || len(list) != 0 {
		t.Errorf("%v is left, %v", list, err)
	}
}
