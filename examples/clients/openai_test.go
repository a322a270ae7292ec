package clients

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

func (w *world) openAI() openai.Client {
	return openai.NewClient(option.WithBaseURL(w.url+"/v1"), option.WithAPIKey(token), option.WithMaxRetries(0), option.WithRequestTimeout(patience))
}

var chat = openai.ChatCompletionNewParams{
	Model:    "gpt-x",
	Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Say hello.")},
}

func (w *world) completion() (string, error) {
	c := w.openAI()
	out, err := c.Chat.Completions.New(w.t.Context(), chat)
	if err != nil {
		return "", err
	}
	return out.Choices[0].Message.Content, nil
}

// streamed returns the text of a streamed completion, from the client's accumulator.
func (w *world) streamed() (string, error) {
	c := w.openAI()
	stream := c.Chat.Completions.NewStreaming(w.t.Context(), chat)
	defer func() { _ = stream.Close() }()
	all := openai.ChatCompletionAccumulator{}
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			return "", errors.New("a chunk that does not fit")
		}
	}
	if len(all.Choices) == 0 {
		return "", stream.Err()
	}
	return all.Choices[0].Message.Content, stream.Err()
}

func TestOpenAI(t *testing.T) {
	for name, ask := range map[string]func(*world) (string, error){"whole": (*world).completion, "streamed": (*world).streamed} {
		t.Run(name, func(t *testing.T) {
			w := start(t, token)
			want := func(text string) {
				t.Helper()
				if got, err := ask(w); err != nil || got != text {
					t.Fatalf("%q %v, want %q", got, err, text)
				}
			}
			want(answerOfFirst)
			w.seen(w.primary, fakesite.StyleBearer, key1)
			w.primary.Next(fakesite.Status(502, "{}"))
			want(answerOfOther)
			w.seen(w.backup, fakesite.StyleBearer, backupKey)
			w.primary.Next(fakesite.RateLimited(time.Hour))
			want(answerOfFirst)
			w.primary.Next(fakesite.Challenge())
			want(answerOfOther)
			w.seen(w.primary, fakesite.StyleBearer, key1, key1, key1, key2, key2)
			w.seen(w.backup, fakesite.StyleBearer, backupKey, backupKey)
		})
	}
}

func TestOpenAIStreamThatBreaks(t *testing.T) {
	w := start(t, token)
	w.primary.Next(fakesite.CutAfterEvents(2))
	if got, err := w.streamed(); err == nil {
		t.Errorf("a cut stream looks complete: %q", got)
	}
	w.seen(w.primary, fakesite.StyleBearer, key1)
	w.seen(w.backup, "") // not retried, since content had been passed on
}

func TestOpenAIResponsesAndModels(t *testing.T) {
	w := start(t, token)
	c := w.openAI()
	w.primary.Next(fakesite.Status(503, "{}"))
	params := responses.ResponseNewParams{Model: "gpt-x", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Say hello.")}}
	out, err := c.Responses.New(t.Context(), params)
	if err != nil || out.OutputText() != answerOfOther {
		t.Fatalf("%v %v", out, err)
	}
	stream := c.Responses.NewStreaming(t.Context(), params)
	text := ""
	for stream.Next() {
		if e := stream.Current(); e.Type == "response.output_text.delta" {
			text += e.Delta
		}
	}
	if stream.Err() != nil || text != answerOfFirst {
		t.Errorf("%q %v", text, stream.Err())
	}
	models, err := c.Models.List(t.Context())
	if err != nil || len(models.Data) != 1 {
		t.Errorf("%v %v", models, err)
	}
	w.withoutCallersKey()
}

// The client understands errors of the program itself.
func TestOpenAIErrors(t *testing.T) {
	w := start(t, token)
	var failed *openai.Error
	c := openai.NewClient(option.WithBaseURL(w.url+"/v1"), option.WithAPIKey("another"), option.WithMaxRetries(0))
	if _, err := c.Chat.Completions.New(t.Context(), chat); !errors.As(err, &failed) || failed.StatusCode != http.StatusUnauthorized || failed.Message == "" {
		t.Errorf("a wrong token: %v", err)
	}
	if w.primary.Count() != 0 {
		t.Error("a request with a wrong token reached a site")
	}
	w.primary.Always(fakesite.Reset())
	w.backup.Always(fakesite.Reset())
	if _, err := w.completion(); !errors.As(err, &failed) || failed.StatusCode != http.StatusBadGateway || !strings.Contains(failed.Message, "no channel could answer: primary: the connection broke before an answer") {
		t.Errorf("no answer: %v", err)
	}
	w.backup.Always(fakesite.Status(400, `{"error":{"message":"no such tool","type":"invalid_request_error"}}`))
	if _, err := w.completion(); !errors.As(err, &failed) || failed.StatusCode != http.StatusBadRequest || failed.Message != "no such tool" {
		t.Errorf("an error of the caller: %v", err)
	}
}
