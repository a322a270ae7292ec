package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// wizard asks for what a first configuration needs.
func (a *app) wizard(ctx context.Context, f *first) error {
	_, _ = fmt.Fprint(a.err, "Enter the sites to use, the best one first. An empty line ends each list.\n\n")
	for len(f.Sites) < 20 {
		target, err := a.askTarget(len(f.Sites))
		if err != nil {
			return err
		}
		if target == "" {
			break
		}
		keys, err := a.input().Keys(ctx, "Key (not shown)")
		if err != nil {
			return err
		}
		f.Sites = append(f.Sites, site{Name: f.name(target), Target: target, Keys: distinct(keys), Fallback: len(f.Sites) > 0})
	}
	if len(f.Sites) == 0 {
		return errors.New("no site was given, so nothing was written")
	}
	host, err := a.ask("\nVPS that your apps run on, as user@host (empty: none): ")
	if host == "" || err != nil {
		return nil // no answer is no VPS
	}
	f.Tunnel = &vps{Host: host}
	if user, rest, ok := strings.Cut(host, "@"); ok {
		f.Tunnel = &vps{Host: rest, User: user}
	}
	return nil
}

func (a *app) ask(prompt string) (string, error) {
	_, _ = fmt.Fprint(a.err, prompt)
	line, err := a.input().Line()
	if err != nil {
		_, _ = fmt.Fprintln(a.err)
	}
	return strings.TrimSpace(line), err
}

// askTarget asks for the address of the next site until it is one; "" ends the
// list.
func (a *app) askTarget(n int) (string, error) {
	prompt := "Address of the first site, such as https://api.example.com: "
	if n > 0 {
		prompt = "\nAddress of another site, used when the sites above are unavailable (empty: none): "
	}
	for {
		target, err := a.ask(prompt)
		if target == "" {
			return "", nil // the caller decides what that means
		}
		if !strings.Contains(target, "://") {
			target = "https://" + target
		}
		if u, failed := url.Parse(target); failed == nil && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && (u.Scheme == "https" || u.Scheme == "http") {
			return strings.TrimSuffix(strings.TrimSuffix(target, "/"), "/v1"), nil
		}
		_, _ = fmt.Fprintln(a.err, "This is not an address: it must begin with https:// and name a host.")
		if err != nil {
			return "", err
		}
	}
}

// name is a name for the channel, after its host.
func (f *first) name(target string) string {
	u, _ := url.Parse(target) // it was checked before
	base := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(u.Hostname()))
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
