package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

const configuration = `
channel "cheap" {
  target = local.sites.cheap

  key "home" {
    value = "key-of-cheap"
  }
}
channel "last" {
  target   = "http://127.0.0.1:9"
  auth     = "none"
  fallback = true
}
route "/v1/**" {
  channels = [channel.dear, channel.cheap, channel.last]

  strategy "cheapest" {
    prices = { dear = 110, cheap = 100 }
    budget = 1
  }
}
`

// TestAtWork runs a real aitunnel: the cheapest channel serves, a session stays where
// it was served, and when the budget is spent only the fallback channel serves.
func TestAtWork(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs aitunnel")
	}
	t.Setenv("CGO_ENABLED", "0") // as the plugin is released
	p := sdktest.Program(t, configuration, "dear", "cheap")
	ask := func(headers ...string) int {
		status, _ := p.Post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, headers...)
		return status
	}
	served := func(site string, headers ...string) bool {
		before := len(p.Asked(site))
		return ask(headers...) == http.StatusOK && len(p.Asked(site)) == before+1
	}
	if !served("cheap") {
		t.Error("the cheap channel does not serve")
	}
	if got := p.Asked("cheap")[0].Header.Get("Authorization"); got != "Bearer key-of-cheap" {
		t.Errorf("the cheap site got %q", got)
	}

	// A session that was served by the dear channel, as the other one failed, stays there.
	// Results reach the strategy about a second later. What is asked meanwhile costs next to
	// nothing.
	p.Answer("dear", free)
	sessions := 0
	within(t, "a session stays on the dear channel, and other requests go to the cheap one", func() bool {
		sessions++
		session := []string{"X-Session-Id", fmt.Sprint("session-", sessions)}
		p.Answer("cheap", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		if !served("dear", session...) {
			t.Fatal("the dear channel does not serve when the other one fails")
		}
		p.Answer("cheap", free)
		time.Sleep(2 * time.Second)
		return served("dear", session...) && served("cheap")
	})

	// Each answer costs 0.2: the next plan says that the budget is spent.
	p.Answer("cheap", nil)
	within(t, "the budget is spent", func() bool { return ask() != http.StatusOK })
	if before := len(p.Asked("dear")); ask("X-Session-Id", fmt.Sprint("session-", sessions)) == http.StatusOK || len(p.Asked("dear")) > before {
		t.Error("the dear channel serves although the budget is spent")
	}
}

// free is an answer with a single token.
func free(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":0}}`)
}

// within waits until something happens; plans are renewed every 5 seconds.
func within(t *testing.T, what string, happens func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !happens(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not happen: %s", what)
		}
	}
}
