package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// addWarnings warns of what is valid, but probably not intended.
func (l *loader) addWarnings() {
	l.warnReadable()
	l.warnValues()
	l.warnOpen()
	l.warnShared()
	l.warnUnused()
	l.warnHidden()
	l.warnEgress()
}

// warnReadable warns of files with keys that other accounts can read.
func (l *loader) warnReadable() {
	for name, s := range l.Sources {
		info, err := os.Stat(name)
		if err != nil || !hclfile.IsShared(info) || !s.HasLiteral(placeholders().Match) {
			continue
		}
		at := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
		l.Warn(at, "Others can read the keys", fmt.Sprintf("The file contains keys and has the mode %04o: run %s, or take the keys from env(\"NAME\").", info.Mode().Perm(), fileaccess.MakePrivate(name, info)))
	}
}

// warnOpen warns of a proxy that anyone can use.
func (l *loader) warnOpen() {
	if p := l.config.Proxy; !l.config.RequiresToken() && !isLoopback(p.Listen) {
		l.Warn(l.once("proxy").DefRange(), "Anyone can use the keys", fmt.Sprintf("The port %s can be reached from other machines and requires no token: set client_tokens, add a client, or listen on 127.0.0.1.", p.Listen))
	}
}

// warnShared warns of tunnels whose port every account of the VPS can use.
func (l *loader) warnShared() {
	if l.config.RequiresToken() {
		return
	}
	for _, t := range l.config.Tunnels {
		var open []string
		var at hcl.Range
		for _, f := range t.Forwards {
			if strings.HasPrefix(f.Address, "unix:") {
				continue
			}
			if open = append(open, f.Address); len(open) == 1 {
				at = f.Range
			}
		}
		if len(open) > 0 {
			l.Warn(at, "Every account of the VPS can use the keys", fmt.Sprintf("Anyone with an account on the host of the tunnel %q can reach %s there, and the proxy requires no token: set proxy.client_tokens, or open a socket that only you can reach, such as forward \"unix:/run/user/1000/aitunnel.sock\" {}.", t.Name, strings.Join(open, " and ")))
		}
	}
}

func (l *loader) warnUnused() {
	for _, c := range l.config.Channels {
		used := false
		for _, r := range l.config.Routes {
			used = used || slices.Contains(r.Channels, c)
		}
		for _, t := range l.config.Tunnels {
			for _, f := range t.Forwards {
				used = used || f.Channel == c
			}
		}
		if !used {
			l.Warn(c.Range, "Unused channel", fmt.Sprintf("No route and no forward uses the channel %q: add it to one, or remove it.", c.Name))
		}
	}
}

func (l *loader) warnHidden() {
	for i, r := range l.config.Routes {
		for _, first := range l.config.Routes[:i] {
			if covers(first.Pattern, r.Pattern) && coversModels(first.Models, r.Models) {
				l.Warn(r.Range, "Unreachable route", fmt.Sprintf("The route %q at %s:%d comes first and matches all of its requests: move this one up, or remove it.", first.Pattern, first.Range.Filename, first.Range.Start.Line))
				break
			}
		}
	}
}
