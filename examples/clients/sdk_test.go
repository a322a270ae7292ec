package clients

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// modes are the kinds of requests that sdk.mjs can make.
var modes = []string{
	"chat", "chat-stream", "responses", "responses-stream", "messages", "messages-stream", "genai", "genai-stream",
	"ai-chat", "ai-chat-stream", "ai-responses", "ai-responses-stream", "ai-messages", "ai-messages-stream",
}

// sdks is a process that makes requests with the SDKs for JavaScript.
type sdks struct {
	in      io.WriteCloser
	mu      sync.Mutex
	waiting map[string]chan reply
}

// reply is the result of a request.
type reply struct {
	ID, Text, Error string
	Took            float64 `json:"took_ms"`
	Requests        []struct {
		Status int
		Sent   string // SHA-256 of the request's body
		Got    string // the answer's body, in base64
	}
}

func startSDKs(t *testing.T, n npm, url string) *sdks {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "sdk.mjs", url, token)
	cmd.Dir, cmd.Env, cmd.Stderr = n.dir, n.env(t.TempDir()), t.Output()
	cmd.Path = nodeOf(n)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &sdks{in: in, waiting: map[string]chan reply{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var r reply
			if json.Unmarshal(line, &r) == nil {
				s.mu.Lock()
				s.waiting[r.ID] <- r
				s.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-done
		_ = cmd.Wait()
	})
	return s
}

// ask makes a request for a model.
func (s *sdks) ask(t *testing.T, mode, model string) reply {
	t.Helper()
	c := make(chan reply, 1)
	question, err := json.Marshal(map[string]string{"id": model, "mode": mode, "model": model})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.waiting[model] = c
	_, err = s.in.Write(append(question, '\n'))
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-c:
		return r
	case <-time.After(2 * time.Minute):
		t.Fatal("the SDK gave no answer")
		return reply{}
	}
}

// However the first site fails, an SDK gets the answer of the other one with a single
// request.
func TestSDKsNoticeNoFailover(t *testing.T) {
	n := clientsOfNPM(t)
	var models []string
	for _, mode := range modes {
		models = append(models, mode+"-plain")
		for fault := range faults {
			models = append(models, mode+"-"+fault)
		}
	}
	s := startStage(t, models)
	sdk := startSDKs(t, n, s.url)
	for _, mode := range modes {
		t.Run(mode+"/plain", func(t *testing.T) {
			t.Parallel()
			s.expect(t, sdk.ask(t, mode, mode+"-plain"), mode+"-plain", answerOfFirst, 1, 0)
		})
		for fault, behave := range faults {
			if onlyStreams(fault) && !strings.HasSuffix(mode, "-stream") {
				continue
			}
			model := mode + "-" + fault
			s.primary.ForKey(firstKey(model), behave)
			t.Run(mode+"/"+fault, func(t *testing.T) {
				t.Parallel()
				s.expect(t, sdk.ask(t, mode, model), model, answerOfOther, 1, 1)
			})
		}
	}
}

// expect checks an SDK's answer and how many requests it took.
func (s *stage) expect(t *testing.T, r reply, model, text string, first, other int) {
	t.Helper()
	a, b := s.sites(model)
	a = onceOnANewConnection(model, a)
	if r.Text != text || len(r.Requests) != 1 || a != first || b != other {
		t.Errorf("%q %s with %d requests of the client, %d and %d at the sites; want %q with 1, %d, %d%s",
			r.Text, r.Error, len(r.Requests), a, b, text, first, other, attempts(s.records(t, model)))
	}
}

// When every site fails, an SDK fails with a message that names the cause, and the sites get
// few requests.
func TestSDKsWhenEverythingFails(t *testing.T) {
	n := clientsOfNPM(t)
	var models []string
	outages := []string{"401", "503", "hanging-up", "challenge"}
	for _, mode := range modes {
		for _, fault := range outages {
			models = append(models, mode+"-"+fault)
		}
	}
	s := startStage(t, models)
	sdk := startSDKs(t, n, s.url)
	for _, mode := range modes {
		for _, fault := range outages {
			model := mode + "-" + fault
			s.primary.ForKey(firstKey(model), faults[fault])
			s.backup.ForKey(otherKey(model), faults[fault])
			t.Run(mode+"/"+fault, func(t *testing.T) {
				t.Parallel()
				r := sdk.ask(t, mode, model)
				a, b := s.sites(model)
				t.Logf("%d requests of the client in %.1f s, %d and %d at the sites: %s%s", len(r.Requests), r.Took/1000, a, b, r.Error, attempts(s.records(t, model)))
				if r.Error == "" || !strings.Contains(r.Error, causes[fault]) {
					t.Errorf("the message does not name the cause (%q): %s", causes[fault], r.Error)
				}
				if a+b > 8*len(r.Requests) {
					t.Errorf("%d requests at the sites for %d of the client", a+b, len(r.Requests))
				}
				if fault == "401" && len(r.Requests) != 1 && !strings.HasPrefix(mode, "ai-") {
					t.Errorf("%d requests of the client, although repeating cannot help", len(r.Requests))
				}
			})
		}
	}
}

// causes are parts of the message when every site fails in this way.
var causes = map[string]string{
	"401":        "key",
	"503":        "not well",
	"hanging-up": "the connection broke",
	"challenge":  "refuses this address",
}
