package dialect

import (
	"bufio"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpusCase is one of the answers of real sites with which the rules of verdicts are
// tested.
type corpusCase struct {
	name    string
	request map[string]string
	status  string
	header  http.Header
	body    string
	means   string
}

func corpus(t *testing.T) []corpusCase {
	t.Helper()
	names, err := filepath.Glob("../verdict/testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var cases []corpusCase
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "-- request --\n")
		request, rest, _ := strings.Cut(rest, "-- answer --\n")
		answer, verdict, _ := strings.Cut(rest, "-- verdict --\n")
		c := corpusCase{name: filepath.Base(name), request: fieldsOf(request), means: fieldsOf(verdict)["means"]}
		head, body, _ := strings.Cut(answer, "\n\n")
		status, fields, _ := strings.Cut(head, "\n")
		_, c.status, _ = strings.Cut(status, " ")
		h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(fields + "\n\n"))).ReadMIMEHeader()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.header, c.body = http.Header(h), body
		cases = append(cases, c)
	}
	return cases
}

func fieldsOf(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// TestCorpusRequests compares endpoints and dialects with those in the corpus.
func TestCorpusRequests(t *testing.T) {
	for _, c := range corpus(t) {
		r := request(c.request["method"], c.request["path"], nil)
		if want := c.request["endpoint"]; want != "" {
			if got := EndpointOf(r.Method, r.URL.Path); string(got) != want {
				t.Errorf("%s: %s %s is %s, not %s", c.name, r.Method, r.URL.Path, got, want)
			}
		}
		if want := c.request["dialect"]; want != "" && Of(r).String() != want {
			t.Errorf("%s: %s %s is %s, not %s", c.name, r.Method, r.URL.Path, Of(r), want)
		}
	}
}

// TestCorpusAnswers shows that of the answers with status 2xx exactly those that are bad by
// the verdict rules are recognized as errors, pages or empty before content is passed on.
func TestCorpusAnswers(t *testing.T) {
	seen := 0
	for _, c := range corpus(t) {
		if !strings.HasPrefix(c.status, "2") || c.request["endpoint"] == "files" || c.request["endpoint"] == "account" {
			continue
		}
		seen++
		r := request(c.request["method"], c.request["path"], nil)
		var s Stream
		s.Begin(Of(r).Format(r.URL.Path), c.header)
		bad := ""
		for _, e := range follow(&s, c.body, 100) {
			if e.Kind == Content || e.Kind == SoftEnd {
				break
			}
			if e.Kind == Error || e.Kind == Page {
				bad = e.Kind.String()
				break
			}
		}
		if bad == "" && s.Empty() {
			bad = "empty"
		}
		if (bad != "") != (c.means != "good") {
			t.Errorf("%s: %q, but its verdict is %s\n%s", c.name, bad, c.means, c.body)
		}
	}
	if seen < 20 {
		t.Errorf("only %d answers", seen)
	}
}
