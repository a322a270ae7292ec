package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/connect"
)

const (
	checkLimit  = 2 * time.Minute
	modelsLimit = 15 * time.Second
	maxAnswer   = 1 << 20
	maxShown    = 200
)

// checked is the result of the request of --check.
type checked struct {
	OK      bool    `json:"ok"`
	Model   string  `json:"model"`
	Status  int     `json:"status"` // 0: no answer
	Text    string  `json:"text,omitempty"`
	Error   string  `json:"error,omitempty"`
	Missing string  `json:"missing,omitempty"` // the API that no channel has, such as /v1/messages
	Took    float64 `json:"took_ms"`
	Written bool    `json:"written"` // the app's files have the settings

	Channels []failedChannel `json:"channels,omitempty"` // why each of them gave no answer

	request string // its ID
}

// direct returns an HTTP client that ignores the proxies of the environment.
func direct() *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
}

// listedModels returns the models that the proxy lists, none if it does not answer.
func (a *app) listedModels(ctx context.Context, e connect.Entry) []string {
	local, err := a.Client().Entry(ctx) // the host of a tunnel cannot be reached from here
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, modelsLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, local.Address+"/v1/models", nil)
	if err != nil {
		return nil
	}
	r.Header.Set("Authorization", "Bearer "+e.Token)
	resp, err := direct().Do(r)
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	return connect.ModelNames(body)
}

// checkApp sends one request as the app would.
func (a *app) checkApp(ctx context.Context, app connect.App, e connect.Entry, f connectFlags) (*checked, error) {
	if len(e.Models) == 0 {
		return nil, errors.New("no channel gives a list of models: see 'aitunnel status', or name a model with --model")
	}
	out := &checked{Model: e.Models[0], Written: true}
	if app.Files != nil {
		for _, file := range app.Files(e, home()) {
			current, err := file.Current()
			out.Written = out.Written && current && err == nil
		}
	}
	began := time.Now()
	out.ask(ctx, app, e)
	took := time.Since(began)
	if !out.OK {
		a.findCauses(ctx, app, out)
	}
	out.Took = float64(took.Microseconds()) / 1000
	if f.json {
		return out, nil
	}
	p := a.Paint()
	if out.OK {
		a.Say("%s %s would get an answer: %s in %s, %q", p.Good("✓"), app.Name, out.Model, term.Elapsed(float64(took)), term.Shorten(out.Text))
	} else {
		a.Say("%s %s would get no answer from %s: %s", p.Bad("✗"), app.Name, out.Model, out.Error)
		a.showCauses(app, out)
	}
	if len(f.models) == 0 && !app.UsesByDefault(out.Model) {
		a.Say("  No channel lists a model that %s uses by default (%s…), so %s was used instead. Name another\n  with --model, or let a channel take it under such a name: model_map = { \"%s-…\" = %q }.", app.Name, app.Family(), out.Model, app.Family(), out.Model)
	}
	if out.OK && f.write && app.Files != nil {
		a.Say("To undo this: aitunnel connect %s --undo", app.ID)
	}
	if !out.Written {
		a.Say("Its files do not have these settings yet: add --write.")
	}
	if !f.write {
		a.warnOfConflicts(app)
	}
	return out, nil
}

// ask sends the request, and records the result.
func (out *checked) ask(ctx context.Context, app connect.App, e connect.Entry) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	r, err := app.Request(ctx, e)
	if err != nil {
		out.Error = err.Error()
		return
	}
	resp, err := direct().Do(r)
	if err != nil {
		out.Error = "no answer: " + err.Error()
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	out.request = resp.Header.Get("X-Aitunnel-Request-Id")
	out.Status, out.Text = resp.StatusCode, strings.TrimSpace(connect.AnswerText(body, maxShown))
	switch {
	case err != nil:
		out.Error = "the answer was cut off: " + err.Error()
	case resp.StatusCode != http.StatusOK:
		out.Error = fmt.Sprintf("%d %s", resp.StatusCode, connect.AnswerError(body))
	case out.Text == "" && connect.AnswerError(body) != "":
		out.Error = connect.AnswerError(body)
	default:
		out.OK = true
	}
}
