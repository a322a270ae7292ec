package config

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// warn tells what works, but probably not as it was meant.
func (l *loader) warn() {
	l.warnReadable()
	l.warnUnused()
	l.warnHidden()
}

// warnReadable is about files that hold keys and that others can read.
func (l *loader) warnReadable() {
	if runtime.GOOS == "windows" {
		return
	}
	for name, s := range l.sources {
		info, err := os.Stat(name)
		if err != nil || info.Mode()&0o077 == 0 || !s.holdsLiteral() {
			continue
		}
		at := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
		l.caution(at, "Others can read the keys", fmt.Sprintf("The file holds keys and has the mode %04o: run chmod 600 %s, or take the keys from env(\"NAME\").", info.Mode().Perm(), name))
	}
}

// holdsLiteral says that a secret is written out in the text.
func (s *source) holdsLiteral() bool {
	for _, r := range s.secret {
		if slices.Contains(s.masked()[r.Start.Byte:r.End.Byte], '*') {
			return true
		}
	}
	return false
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
			l.caution(c.Range, "Channel that is never used", fmt.Sprintf("No route names the channel %q.", c.Name))
		}
	}
}

func (l *loader) warnHidden() {
	for i, r := range l.config.Routes {
		for _, first := range l.config.Routes[:i] {
			if covers(first.Pattern, r.Pattern) && (len(first.Models) == 0 || slices.Contains(first.Models, "*")) {
				l.caution(r.Range, "Route that is never reached", fmt.Sprintf("The route %q at line %d stands before it and takes all of its requests.", first.Pattern, first.Range.Start.Line))
				break
			}
		}
	}
}
