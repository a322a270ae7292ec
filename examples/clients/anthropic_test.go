package clients

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

var message = anthropic.MessageNewParams{
	Model: "claude-x", MaxTokens: 64,
	Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Say hello."))},
}

func (w *world) anthropic(options ...option.RequestOption) anthropic.Client {
	return anthropic.NewClient(append([]option.RequestOption{
		option.WithBaseURL(w.url), option.WithMaxRetries(0), option.WithRequestTimeout(patience),
	}, options...)...)
}

func text(m anthropic.Message) (out string) {
	for _, b := range m.Content {
		out += b.Text
	}
	return out
}

func (w *world) message(options ...option.RequestOption) (string, error) {
	c := w.anthropic(options...)
	m, err := c.Messages.New(w.t.Context(), message)
	if err != nil {
		return "", err
	}
	return text(*m), nil
}

func (w *world) messageStreamed(options ...option.RequestOption) (string, error) {
	c := w.anthropic(options...)
	stream := c.Messages.NewStreaming(w.t.Context(), message)
	defer func() { _ = stream.Close() }()
	m := anthropic.Message{}
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			return "", err
		}
	}
	return text(m), stream.Err()
}

func TestAnthropic(t *testing.T) {
	for name, ask := range map[string]func(*world, ...option.RequestOption) (string, error){"whole": (*world).message, "streamed": (*world).messageStreamed} {
		// The client sends its key in one header or the other; the site gets the
		// one of its API.
		for header, own := range map[string]option.RequestOption{"x-api-key": option.WithAPIKey(token), "bearer": option.WithAuthToken(token)} {
			t.Run(name+" "+header, func(t *testing.T) {
				w := start(t, token)
				want := func(text string) {
					t.Helper()
					if got, err := ask(w, own); err != nil || got != text {
						t.Fatalf("%q %v, want %q", got, err, text)
					}
				}
				want(answerOfFirst)
				w.primary.Next(fakesite.Status(529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`))
				want(answerOfOther)
				w.primary.Next(fakesite.RateLimited(time.Hour), fakesite.RateLimited(time.Hour))
				want(answerOfOther)
				w.seen(w.primary, fakesite.StyleAPIKey, key1, key1, key1, key2)
				w.seen(w.backup, fakesite.StyleAPIKey, backupKey, backupKey)
				if r := w.primary.Requests()[0]; r.Path != "/v1/messages" || r.Header.Get("Anthropic-Version") == "" {
					t.Errorf("%s %v", r.Path, r.Header)
				}
			})
		}
	}
}

// A stream that starts with an error is retried at the other site; one that is cut later is
// recognized as incomplete.
func TestAnthropicStreamsThatFail(t *testing.T) {
	w := start(t, token)
	own := option.WithAPIKey(token)
	w.primary.Next(fakesite.ErrorEvent(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`))
	if got, err := w.messageStreamed(own); err != nil || got != answerOfOther {
		t.Errorf("%q %v", got, err)
	}
	w.primary.Next(fakesite.CutAfterEvents(4)) // message_start, content_block_start, ping, and the first of the text
	if got, err := w.messageStreamed(own); err == nil {
		t.Errorf("a cut stream looks complete: %q", got)
	}
	w.seen(w.backup, fakesite.StyleAPIKey, backupKey)
}

func TestAnthropicErrors(t *testing.T) {
	w := start(t, "")
	own := option.WithAPIKey(token)
	w.primary.Always(fakesite.Reset())
	w.backup.Always(fakesite.Reset())
	var failed *anthropic.Error
	if _, err := w.message(own); !errors.As(err, &failed) || failed.StatusCode != http.StatusBadGateway || !strings.Contains(failed.RawJSON(), "no channel could answer: primary: the connection broke before an answer") || !strings.Contains(failed.RawJSON(), `"type":"error"`) {
		t.Errorf("%v", err)
	}
	w.withoutCallersKey()
}
