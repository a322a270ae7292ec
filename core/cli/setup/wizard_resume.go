package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/google/renameio/v2/maybe"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

// openMark is the first line of a configuration for which the wizard is not finished.
const openMark = "# Not all questions of 'aitunnel init --wizard' were answered. Run it again to go on."

// initByWizard writes a configuration from answers. If the input ends early, it is
// written nevertheless, and the same command asks the remaining questions.
func (a *app) initByWizard(ctx context.Context, path string, f first, untried bool) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // a closed terminal also ends the questions
	defer stop()
	write := a.writeFirst
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		var unedited bool
		if f, unedited = examplesIn(path); unedited {
			a.hint("Your sites replace the examples in %s; its tokens stay.", path)
		} else if f, err = a.answersIn(ctx, path); err != nil {
			return err
		} else {
			a.hint("Continuing with the answers in %s: %s.", path, f.summary())
		}
		write = replaceFirst
	}
	f.untried = untried
	unfinished := a.wizard(ctx, &f)
	if len(f.Sites) == 0 {
		return errors.New("no site was given, so nothing was written")
	}
	f.Open = unfinished != nil
	text, err := f.render()
	if err == nil {
		err = write(context.WithoutCancel(ctx), path, text)
	}
	switch {
	case err != nil:
		return err
	case unfinished != nil:
		return fmt.Errorf("%w; what you entered is in %s, which only you can read: %s. To continue: %s", unfinished, path, f.summary(), wizardCommand(path))
	}
	if len(f.Routes()) > 0 {
		a.hint("\nThe sites have different APIs: the routes in %s send each request only to sites that have its API.", path)
	}
	return a.whatNext(path, text, true, false)
}

// replaceFirst replaces a configuration that has fewer answers.
func replaceFirst(_ context.Context, path string, text []byte) error {
	return maybe.WriteFile(path, text, 0o600)
}

// wizardCommand returns the command that continues with the questions.
func wizardCommand(path string) string { return "aitunnel init --wizard" + configFlag(path) }

// configFlag returns the flag for a configuration in a command, "" if it is not
// needed.
func configFlag(path string) string {
	if path == config.FileName {
		return ""
	}
	return " -c " + wording.ShellWord(path)
}

// answersIn returns the answers that an interrupted wizard has written.
func (a *app) answersIn(ctx context.Context, path string) (f first, err error) {
	if !isOpen(path) {
		return f, existsError(path)
	}
	err = a.WithPlugins(path, func(h *pluginhost.Host) error {
		if cfg, report := config.Load(ctx, config.Options{Path: path, Vars: a.Vars, Catalog: h}); !report.HasErrors() {
			f = firstOf(cfg)
			f.readAPIs(path)
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	again, err := f.render()
	if is, failed := os.ReadFile(path); err == nil && (failed != nil || !bytes.Equal(is, again)) {
		err = fmt.Errorf("%s was changed after the wizard stopped, so the wizard cannot continue: edit the file yourself, or remove it to start over", path)
	}
	return f, err
}

// examplesIn returns the tokens of a configuration, if it is unchanged since init
// wrote it without the wizard.
func examplesIn(path string) (f first, unedited bool) {
	text, err := os.ReadFile(path)
	tokens := tokenForm().FindAll(text, -1)
	if err != nil || len(tokens) != 2 {
		return f, false
	}
	f = first{ClientToken: string(tokens[0]), AdminToken: string(tokens[1])}
	again, err := f.render()
	return f, err == nil && bytes.Equal(text, again)
}

// tokenForm matches the tokens that init creates.
var tokenForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\bat-[a-z0-9]{20,}`) })

// isOpen reports whether the wizard of a configuration is not finished.
func isOpen(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && bytes.HasPrefix(text, []byte(openMark))
}

// firstOf returns what the wizard needs to know of a configuration that it wrote.
func firstOf(cfg *config.Config) first {
	f := first{Open: true, AdminToken: cfg.Admin.Token.Plaintext()}
	if len(cfg.Proxy.ClientTokens) > 0 {
		f.ClientToken = cfg.Proxy.ClientTokens[0].Plaintext()
	}
	for _, c := range cfg.Channels {
		s := site{Name: c.Name, Target: c.Target.String(), Fallback: c.Fallback}
		if c.Auth.Style != config.AuthAuto {
			s.Auth = string(c.Auth.Style)
		}
		for _, k := range c.Keys {
			s.Keys = append(s.Keys, k.Value.Plaintext())
		}
		f.Sites = append(f.Sites, s)
	}
	if len(cfg.Tunnels) > 0 {
		f.Tunnel = &vps{Host: cfg.Tunnels[0].Host, User: cfg.Tunnels[0].User}
	}
	return f
}

// readAPIs reads what the wizard found out about the sites.
func (f *first) readAPIs(path string) {
	text, _ := os.ReadFile(path) // it was just read
	for i := range f.Sites {
		f.Sites[i].API = apiOf(text, f.Sites[i].Name)
	}
}

// summary lists the sites with their numbers of keys.
func (f first) summary() string {
	var parts []string
	for _, s := range f.Sites {
		keys := term.Count(len(s.Keys), "key")
		switch {
		case s.lacksKey():
			keys = "no key yet"
		case s.Auth == "none":
			keys = "needs no key"
		}
		parts = append(parts, fmt.Sprintf("channel %s (%s)", s.Name, keys))
	}
	return strings.Join(parts, ", ")
}

// lacksKey reports whether the site's key was not entered yet.
func (s site) lacksKey() bool { return slices.Contains(s.Keys, placeholderKey) }
