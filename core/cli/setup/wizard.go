package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/redact"
)

// errUnfinished says that the input ended before all questions were answered.
var errUnfinished = errors.New("stopped before all questions were answered")

// placeholderKey is written instead of a key that was not entered.
const placeholderKey = "put-your-key-here"

// maxSites is how many sites the wizard asks for.
const maxSites = 20

// wizard asks for what a first configuration needs. It stores the answers in f, even
// if it returns an error.
func (a *app) wizard(ctx context.Context, f *first) error {
	if len(f.Sites) > 0 {
		if err := a.finishSite(ctx, f); err != nil {
			return err
		}
	} else {
		a.hint("Enter the sites to use, the best one first. An empty line ends each list; what you\nhave entered is kept if you stop early.\n")
	}
	for len(f.Sites) < maxSites {
		more, err := a.askSite(ctx, f)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if len(f.Sites) == 0 {
		return errUnfinished
	}
	return a.askVPS(ctx, f)
}

// hint prints something for the user, separately from output for programs.
func (a *app) hint(format string, args ...any) { _, _ = fmt.Fprintf(a.Err, format+"\n", args...) }

// ask asks for a line. It ends early when ctx does.
func (a *app) ask(ctx context.Context, prompt string) (string, error) {
	_, _ = fmt.Fprint(a.Err, prompt)
	line, err := a.Input().LineWithin(ctx)
	if err != nil {
		a.hint("")
		return "", errUnfinished
	}
	return strings.TrimSpace(line), nil
}

// askSite asks for a site with its keys, and tries them; more is false if no site was
// entered.
func (a *app) askSite(ctx context.Context, f *first) (more bool, err error) {
	target, err := a.askTarget(ctx, len(f.Sites))
	if target == "" {
		if len(f.Sites) > 0 && ctx.Err() == nil {
			err = nil // the end of the input ends the list
		}
		return false, err
	}
	f.Sites = append(f.Sites, site{Target: target, Name: f.name(target), Keys: []string{placeholderKey}, Fallback: len(f.Sites) > 0})
	s := &f.Sites[len(f.Sites)-1]
	if err := a.askName(ctx, f, s); err != nil {
		return false, err
	}
	return true, a.finishSite(ctx, f)
}

// finishSite asks for the keys of the last site, if it has none yet, and tries it.
func (a *app) finishSite(ctx context.Context, f *first) error {
	s := &f.Sites[len(f.Sites)-1]
	if s.lacksKey() {
		if err := a.askKeys(ctx, s); err != nil {
			return err
		}
	}
	if !f.untried {
		a.trySite(ctx, s)
	}
	if ctx.Err() != nil {
		return errUnfinished
	}
	return nil
}

// askTarget asks for the address of the next site until it is valid; "" ends the list.
func (a *app) askTarget(ctx context.Context, n int) (string, error) {
	prompt := "Address of the first site, such as https://api.example.com: "
	if n > 0 {
		prompt = "\nAddress of another site, a fallback that is used when those above are unavailable\n(empty: no more): "
	}
	for {
		given, err := a.ask(ctx, prompt)
		switch {
		case err != nil && n == 0 && ctx.Err() == nil:
			return "", nil // the caller says that no site was given
		case err != nil:
			return "", err
		case given == "" && n > 0:
			return "", nil
		case given == "":
			a.hint("At least one site is needed.")
			continue
		}
		target, cut, err := siteAddress(given)
		if err != nil {
			a.hint("%s", err)
			continue
		}
		if cut != "" {
			a.hint("Removed %s: apps add that path themselves.", cut)
		}
		if target != given {
			a.hint("The address is %s.", target)
		}
		return target, nil
	}
}

// apiPath matches the path of an API at the end of an address that was copied from the
// documentation of a site.
var apiPath = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)/(v1|v1beta|v1alpha)(/.*)?$|/(chat/completions|completions|responses|messages|embeddings|models)/?$`)
})

// siteAddress returns the target of a channel for the text that was entered; cut is
// what was removed from its end.
func siteAddress(given string) (target, cut string, err error) {
	target = strings.Trim(given, `"'`)
	if !strings.Contains(target, "://") {
		scheme := "https://"
		host, _, _ := strings.Cut(target, "/")
		switch {
		case isLocalName(host):
			scheme = "http://"
		case !strings.ContainsAny(host, ".: "):
			return "", "", fmt.Errorf("%q is not an address such as https://api.example.com. For a host of this name on\nyour network, start with http:// or https://.", redact.KeyLike(given)) //nolint:staticcheck // shown as it is
		}
		target = scheme + target
	}
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" || strings.ContainsAny(u.Host, " ") || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", "", errors.New("This is not an address: expected https:// and a host, without a user or a query.") //nolint:staticcheck // shown as it is
	}
	if at := apiPath().FindStringIndex(u.Path); at != nil {
		cut, u.Path = u.Path[at[0]:], u.Path[:at[0]]
	}
	return strings.TrimRight(u.String(), "/"), cut, nil
}

// isLocalName reports whether a host, with or without a port, is on this machine.
func isLocalName(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	return name == "localhost" || strings.HasPrefix(name, "127.")
}

var nameOfChannel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9_]*$`) })

// keyInPlaceOfName matches keys that [redact.LooksLikeKey] does not recognize: short
// ones, and some of random letters and digits.
var keyInPlaceOfName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(sk[-_]|gsk_|hf_|AIza)|^[A-Za-z0-9]{24,}$|^[0-9a-f]{8}-[0-9a-f]{4}-`)
})

// askName lets the user change the name of the channel.
func (a *app) askName(ctx context.Context, f *first, s *site) error {
	for {
		name, err := a.ask(ctx, fmt.Sprintf("Name of its channel [%s]: ", s.Name))
		name = cmp.Or(name, s.Name)
		switch {
		case err != nil:
			return err
		case name != s.Name && f.named(name):
			a.hint("A channel %s already exists.", name)
		case !nameOfChannel().MatchString(name):
			a.hint("A name consists of letters, digits, - and _, and begins with a letter.")
		case name != s.Name && (redact.LooksLikeKey(name) || keyInPlaceOfName().MatchString(name)):
			a.hint("This looks like a key. Enter a name here, for lists and logs; keys are asked for next.")
		default:
			s.Name = name
			return nil
		}
	}
}

// askKeys asks for keys until one is entered, or the site needs none.
func (a *app) askKeys(ctx context.Context, s *site) error {
	prompt := "Key (not shown; \"none\" if the site needs none)"
	var keys []string
	for {
		key, err := a.Input().Secret(ctx, prompt)
		key = strings.Trim(strings.TrimSpace(key), `"'`)
		switch {
		case err != nil && len(keys) > 0 && ctx.Err() == nil:
			return nil // the end of the input ends the list
		case err != nil:
			a.hint("")
			return errUnfinished
		case key == "" && len(keys) == 0:
			a.hint("A key is needed, or \"none\".")
			continue
		case key == "":
			return nil
		case key == "none" && len(keys) == 0:
			s.Keys, s.Auth = nil, "none"
			return nil
		case strings.ContainsAny(key, " \t"):
			a.hint("This is not a key: keys contain no spaces.")
			continue
		case strings.Contains(key, "://"):
			a.hint("This is an address, not a key. Enter an empty line to end the list of keys; the next\nquestion is for another site.")
			continue
		}
		a.hint("  %d characters: %s", len(key), config.NewSecret(key).KeyText())
		keys = append(keys, key)
		s.Keys, prompt = distinct(keys), "Next key (empty: no more)"
	}
}

// askVPS asks for the server that apps run on.
func (a *app) askVPS(ctx context.Context, f *first) error {
	for {
		host, err := a.ask(ctx, "\nVPS on which your apps run, as user@host (empty: none): ")
		if host == "" && ctx.Err() == nil {
			return nil // without an answer, there is no VPS
		}
		if err != nil {
			return err
		}
		user, name, ok := strings.Cut(host, "@")
		if !ok {
			user, name = "", host
		}
		if name == "" || strings.ContainsAny(host, " /") {
			a.hint("This is not a host: expected user@host, a host, or a name from ~/.ssh/config.")
			continue
		}
		f.Tunnel = &vps{Host: name, User: user}
		return nil
	}
}

// name returns a name for the channel, derived from its host.
func (f *first) name(target string) string {
	u, _ := url.Parse(target) // it was checked before
	base := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(u.Hostname()))
	if base[0] < 'a' || base[0] > 'z' {
		base = "site-" + base
	}
	base = base[:min(len(base), 50)]
	name := base
	for n := 2; f.named(name); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name
}

func (f *first) named(name string) bool {
	for _, s := range f.Sites {
		if s.Name == name {
			return true
		}
	}
	return false
}

func distinct(keys []string) (out []string) {
	seen := map[string]bool{}
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
