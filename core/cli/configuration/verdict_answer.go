package configuration

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// verdictQuestion is an answer as the flags of verdict test describe it.
type verdictQuestion struct {
	status   int
	headers  []string
	body     string
	file     string // an answer as curl -i prints it
	channel  string
	endpoint string
	request  verdict.Request
}

func (a *app) verdictTest() *cobra.Command {
	var q verdictQuestion
	asJSON := false
	c := command.JSONFlag(&cobra.Command{
		Use:   "test [FILE]",
		Short: "Say what an answer means, by which rule, and what would follow",
		Long:  "Say what an answer of a site means: which rule matches, its scope and\nits effect. The answer is described by flags, or read from a FILE as \"curl -i\"\nprints it (\"-\" is the standard input). With --status, FILE may have the body only.\nNothing is sent.",
		Example: "  aitunnel verdict test --status 403 --header \"Content-Type: text/plain\" --body answer.txt\n" +
			"  curl -si https://site.example/v1/models | aitunnel verdict test - --endpoint models\n" +
			"  aitunnel verdict test --status 429 answer.json\n" +
			"  aitunnel verdict test --status 429 --header \"Retry-After: 30\" --model gpt-5 --json",
		Args: command.OneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				q.file = args[0]
			}
			if err := q.check(); err != nil {
				return command.WrongUsage(c, err)
			}
			answer, err := a.answerFor(q)
			if err != nil {
				return err
			}
			set, err := a.verdictSet(c.Context(), q.channel)
			if err != nil {
				return err
			}
			return a.explainVerdict(set, answer, asJSON)
		},
	}, &asJSON)
	f := c.Flags()
	f.IntVar(&q.status, "status", 0, "the answer's status")
	f.StringArrayVar(&q.headers, "header", nil, "a header of the answer, as `\"Name: value\"`; may be repeated")
	f.StringVar(&q.body, "body", "", "`file` that holds the answer's body, or an event of a stream; \"-\" is the standard input")
	f.StringVar(&q.request.Dialect, "dialect", "openai", "the API of the request: "+strings.Join(verdict.Dialects, ", "))
	f.StringVar(&q.endpoint, "endpoint", string(dialect.Generate), "the kind of endpoint of the request: generate, models, count, moderation, rerank, account, files or other")
	f.StringVar(&q.request.Method, "method", "POST", "the method of the request")
	f.StringVar(&q.request.Path, "path", "", "the path of the request")
	f.StringVar(&q.request.Model, "model", "", "the model that was sent")
	f.BoolVar(&q.request.Streamed, "streamed", false, "the request asked for a streamed answer")
	f.StringVar(&q.channel, "channel", "", "the `channel` whose rules are tried too")
	return c
}

// check checks the flags.
func (q verdictQuestion) check() error {
	switch {
	case q.file != "" && q.body != "":
		return fmt.Errorf("the body is given twice, as %s and with --body: leave one out", q.file)
	case q.file == "" && q.status == 0:
		return errors.New("which answer? Give its --status, or a file as curl -i prints it")
	case q.status != 0 && (q.status < 100 || q.status > 599):
		return fmt.Errorf("--status takes a number from 100 to 599, but not %d", q.status)
	case !slices.Contains(verdict.Endpoints, dialect.Endpoint(q.endpoint)):
		return fmt.Errorf("--endpoint takes generate, models, count, moderation, rerank, account, files or other, not %q", q.endpoint)
	case dialect.Named(q.request.Dialect) == nil:
		return fmt.Errorf("--dialect takes one of %s, not %q", strings.Join(verdict.Dialects, ", "), q.request.Dialect)
	}
	for _, h := range q.headers {
		if name, _, ok := strings.Cut(h, ":"); !ok || strings.TrimSpace(name) == "" {
			return fmt.Errorf("--header takes \"Name: value\", not %q", h)
		}
	}
	return nil
}

// answerFor makes an answer of the flags.
func (a *app) answerFor(q verdictQuestion) (verdict.Answer, error) {
	answer := verdict.Answer{Status: q.status, Header: http.Header{}}
	switch {
	case q.file != "":
		text, err := a.readAll(q.file)
		if err != nil {
			return answer, err
		}
		whole, err := verdict.ParseWire(string(text))
		switch {
		case err != nil && q.status == 0:
			return answer, fmt.Errorf("%s is not an answer as curl -i prints it: %w; if it has the body only, give its --status too", q.file, err)
		case err != nil:
			answer.Body = text
		case q.status != 0 && q.status != whole.Status:
			return answer, fmt.Errorf("%s begins with the status %d: leave out --status %d", q.file, whole.Status, q.status)
		default:
			answer = whole
		}
	case q.body != "":
		body, err := a.readAll(q.body)
		if err != nil {
			return answer, err
		}
		answer.Body = body
	}
	for _, h := range q.headers {
		name, value, _ := strings.Cut(h, ":")
		answer.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	q.request.Endpoint = dialect.Endpoint(q.endpoint)
	answer.Request, answer.Now = q.request, time.Now()
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		answer.Now = date
	}
	answer.Body = decoded(answer)
	return answer, nil
}

func (a *app) readAll(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(a.In, 16<<20))
	}
	return os.ReadFile(path)
}

// decoded returns the answer's body as rules see it.
func decoded(answer verdict.Answer) []byte {
	coding := dialect.Coding(answer.Header)
	if !dialect.CanDecode(coding) {
		return answer.Body
	}
	if plain, err := dialect.Decode(coding, answer.Body, verdict.MaxBody); err == nil {
		return plain
	}
	return answer.Body // it was saved decoded
}
