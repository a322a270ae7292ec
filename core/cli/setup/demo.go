package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

func (a *app) demoCommand() *cobra.Command {
	once := false
	c := &cobra.Command{
		Use:     "demo",
		Short:   "Demonstrate the proxy with two fake sites",
		Long:    "Start two fake sites and the proxy, send requests through it, break a site and\nshow that the other one takes over. The demo runs until interrupted, so that you\ncan send requests of your own.",
		Example: "  aitunnel demo\n  aitunnel demo --once",
		Args:    command.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), once) },
	}
	c.Flags().BoolVar(&once, "once", false, "run the steps and exit, with 0 only if all succeeded")
	return c
}

const demoConfig = `proxy {
  listen = "127.0.0.1:0"
}
admin {
  listen = "127.0.0.1:0"
}
channel "primary" {
  target = %q
  weight = 10
  keys   = ["demo-key-one-of-primary", "demo-key-two-of-primary"]
}
channel "backup" {
  target   = %q
  weight   = 5
  keys     = ["demo-key-one-of-backup"]
  fallback = true
}
route "/v1/**" {
  channels = [channel.primary, channel.backup]
  strategy "priority" {}
}
log { level = "error" }
`

// demo runs the steps in a temporary directory.
func (a *app) demo(ctx context.Context, once bool) error {
	dir, err := os.MkdirTemp("", "aitunnel-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	primary := fakesite.New("primary", fakesite.Keys("demo-key-one-of-primary", "demo-key-two-of-primary"), fakesite.Pace(5*time.Millisecond))
	backup := fakesite.New("backup", fakesite.Keys("demo-key-one-of-backup"), fakesite.Pace(5*time.Millisecond))
	for _, s := range []*fakesite.Site{primary, backup} {
		if err := s.Start(); err != nil {
			return err
		}
		defer s.Close()
	}
	path := filepath.Join(dir, "aitunnel.hcl")
	if err := os.WriteFile(path, fmt.Appendf(nil, demoConfig, primary.URL(), backup.URL()), 0o600); err != nil {
		return err
	}
	builtin, err := command.BuiltinCommand()
	if err != nil {
		return err
	}
	state := filepath.Join(dir, "state")
	d, err := daemon.Start(ctx, daemon.Options{
		ConfigPath: path, StateDir: state, Builtin: builtin, Version: a.Version, LogOutput: a.Err,
	})
	if err != nil {
		return err
	}
	a.Say("Two fake sites are running, primary and backup, and the proxy in front of them:")
	a.PrintAddresses(d.ProxyAddr(), d.AdminAddr())
	show := &demonstration{app: a, ctx: ctx, url: "http://" + d.ProxyAddr()}
	err = show.run(primary, backup)
	if err == nil && !once {
		a.StateDir = state
		link, failed := a.Client().PanelLink(ctx)
		if failed != nil {
			return errors.Join(failed, d.Shutdown(ctx))
		}
		a.Say("\nTry it:  curl %s/v1/chat/completions -d '{\"model\":\"demo\"}'\nWatch:   the panel at %s\n         or: aitunnel top --state-dir %s\nPress Ctrl-C to stop.", show.url, link.URL, wording.ShellWord(state))
		_, err = d.Wait(ctx)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, d.Shutdown(stopping))
}

// demonstration sends requests and checks their answers.
type demonstration struct {
	app *app
	ctx context.Context
	url string
}

func (d *demonstration) run(primary, backup *fakesite.Site) error {
	steps := []struct {
		what   string
		before func()
		stream bool
		want   *fakesite.Site
	}{
		{"A request is answered", func() {}, false, primary},
		{"An answer is streamed", func() {}, true, primary},
		{"A key of primary is rate limited, and its other key is used", func() {
			primary.ForKey("demo-key-one-of-primary", fakesite.RateLimited(time.Minute))
		}, false, primary},
		{"Primary breaks: backup takes over before the caller notices", func() { primary.Always(fakesite.Reset()); primary.ForKey("demo-key-one-of-primary", nil) }, false, backup},
		{"The same for a stream", func() {}, true, backup},
		{"Primary is back", primary.ResetScript, false, primary},
	}
	for _, s := range steps {
		s.before()
		if err := d.step(s.what, s.stream, s.want); err != nil {
			return err
		}
	}
	return nil
}

func (d *demonstration) step(what string, stream bool, want *fakesite.Site) error {
	begun := time.Now()
	body := fmt.Sprintf(`{"model":"demo","stream":%v,"messages":[{"role":"user","content":"Hello"}]}`, stream)
	req, err := http.NewRequestWithContext(d.ctx, http.MethodPost, d.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: the answer was cut off: %w", what, err)
	}
	text, events := readAnswer(answer, stream)
	if resp.StatusCode != http.StatusOK || text != want.Answer() || resp.Header.Get("X-Site") != want.Name() {
		return fmt.Errorf("%s: %s answered %d %q, but %s should have answered %q", what, resp.Header.Get("X-Site"), resp.StatusCode, text, want.Name(), want.Answer())
	}
	how := ""
	if stream {
		how = fmt.Sprintf(" in %d events", events)
	}
	d.app.Say("  ✓ %s: %q from %s%s, %s", what, text, want.Name(), how, time.Since(begun).Round(time.Millisecond))
	return nil
}

// readAnswer extracts the text from a chat completion, streamed or not.
func readAnswer(answer []byte, stream bool) (text string, events int) {
	type part struct{ Content string }
	read := func(b []byte) string {
		var completion struct {
			Choices []struct{ Message, Delta part }
		}
		if json.Unmarshal(b, &completion) != nil || len(completion.Choices) == 0 {
			return ""
		}
		return completion.Choices[0].Message.Content + completion.Choices[0].Delta.Content
	}
	if !stream {
		return read(answer), 1
	}
	for line := range bytes.Lines(answer) {
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			events++
			text += read(data)
		}
	}
	return text, events
}
