package clients

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// toolModes are the kinds of requests with tools that sdk.mjs can make.
var toolModes = []string{
	"chat-tools", "chat-tools-stream", "responses-tools", "responses-tools-stream", "messages-tools", "messages-tools-stream",
	"genai-tools", "genai-tools-stream", "ai-chat-tools", "ai-chat-tools-stream", "ai-responses-tools", "ai-responses-tools-stream",
	"ai-messages-tools", "ai-messages-tools-stream",
}

// A conversation with a tool continues at the other site when the first one fails during it.
// Answers and requests are passed on byte for byte, including signatures.
func TestSDKsUseTools(t *testing.T) {
	n := clientsOfNPM(t)
	s := startStage(t, toolModes)
	sdk := startSDKs(t, n, s.url)
	for _, mode := range toolModes {
		var w wire
		s.primary.ForKey(firstKey(mode), inTurn(w.asks(func(*fakesite.Exchange) call { return call{"weather", `{"city":"Zürich"}`} }), failing(503)))
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := sdk.ask(t, mode, mode)
			if r.Text != answerOfOther || len(r.Requests) != 2 {
				t.Fatalf("%q %s with %d requests%s", r.Text, r.Error, len(r.Requests), attempts(s.records(t, mode)))
			}
			if got, err := base64.StdEncoding.DecodeString(r.Requests[0].Got); err != nil || string(got) != w.sent()[0] {
				t.Errorf("the site sent\n%s\nand the client got\n%s", w.sent()[0], got)
			}
			first, other := s.requestsOf(mode)
			if len(first) != 2 || len(other) != 1 {
				t.Fatalf("%d and %d requests at the sites", len(first), len(other))
			}
			for i, site := range []fakesite.Request{first[0], first[1], other[0]} {
				if want := r.Requests[min(i, 1)].Sent; site.SHA256 != want {
					t.Errorf("request %d has the hash %s at the site, %s at the client", i+1, site.SHA256, want)
				}
			}
			if kept := string(other[0].Body); !strings.Contains(kept, "sunny in Zürich") || !strings.Contains(mode, "chat") && !strings.Contains(kept, signature) {
				t.Errorf("the other site was not sent the tool's result and the signature: %s", kept)
			}
		})
	}
}

// inTurn returns a behavior that uses these one after the other, and repeats the last.
func inTurn(ways ...fakesite.Behavior) fakesite.Behavior {
	next := make(chan fakesite.Behavior, len(ways))
	for _, w := range ways {
		next <- w
	}
	return func(x *fakesite.Exchange) {
		select {
		case w := <-next:
			w(x)
		default:
			ways[len(ways)-1](x)
		}
	}
}

// An agent runs the tool that the model calls, and sends the result to the model with what
// the model had signed.
func TestAgentsUseTools(t *testing.T) {
	n := clientsOfNPM(t)
	var models []string
	for _, a := range agents {
		models = append(models, a.model+"tools")
	}
	s := startStage(t, models)
	for i, a := range agents {
		model := models[i]
		var w wire
		s.primary.ForKey(firstKey(model), inTurn(w.asks(func(x *fakesite.Exchange) call { return readNotes(string(x.Body())) }), func(x *fakesite.Exchange) {
			body := string(x.Body())
			if strings.Contains(body, "4711") && strings.Contains(body, signature) {
				fakesite.OK()(x)
				return
			}
			fakesite.Status(400, `{"error":{"message":"the tool's result or the signature is missing"}}`)(x)
		}))
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			got := a.run(t, n, s, model)
			if got.err != nil || !strings.Contains(got.out, answerOfFirst) {
				t.Errorf("%v after %v: %s%s", got.err, got.took, got.out, attempts(s.records(t, model)))
			}
		})
	}
}

// readNotes returns a call of the agent's tool for reading files.
func readNotes(body string) call {
	switch {
	case strings.Contains(body, `"exec_command"`): // Codex
		return call{"exec_command", `{"cmd":"cat notes.txt"}`}
	case strings.Contains(body, `"shell_command"`): // Codex
		return call{"shell_command", `{"command":"cat notes.txt"}`}
	case strings.Contains(body, `"shell"`): // Codex
		return call{"shell", `{"command":["cat","notes.txt"]}`}
	case strings.Contains(body, `"run_shell_command"`): // Gemini CLI
		return call{"run_shell_command", `{"command":"cat notes.txt"}`}
	}
	return call{"Bash", `{"command":"cat notes.txt","description":"Read the notes"}`} // Claude Code
}
