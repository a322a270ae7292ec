package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
)

func (a *app) pluginVerifyCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "verify PATH",
		Short: "Try a plugin's executable: its hash, handshake and answers",
		Long: "Start a plugin's executable, locked or not, and try each component with the\n" +
			"defaults of its settings: plans for 1, 3 and 1,000 candidates, a check that is\n" +
			"answered. Nothing is installed or locked.\n\nThe exit code is 1 if something is wrong with it.",
		Example: "  aitunnel plugin verify ./aitunnel-plugin-acme",
		Args:    names("the path of an executable"),
		RunE:    func(c *cobra.Command, args []string) error { return a.pluginVerify(c.Context(), args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// verification is what plugin verify found.
type verification struct {
	OK       bool             `json:"ok"`
	Path     string           `json:"path"`
	Plugin   string           `json:"plugin"`
	Version  string           `json:"version,omitempty"`
	Protocol int              `json:"protocol,omitempty"`
	SHA256   string           `json:"sha256,omitempty"`
	Platform string           `json:"platform"`
	Lock     trust.State      `json:"lock,omitempty"`
	Error    string           `json:"error,omitempty"` // why it could not be tried
	Findings []daemon.Finding `json:"components"`
}

// errFoundWanting is for a plugin with faults that were told already.
var errFoundWanting = errors.New("the plugin is not in order")

func (a *app) pluginVerify(ctx context.Context, path string, asJSON bool) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	name, err := pluginhost.NameOf(path)
	if err != nil {
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) // to be tried, any name will do
	}
	out := verification{Path: path, Plugin: name, Platform: trust.Platform, Findings: []daemon.Finding{}}
	err = a.withPlugins(configured, func(h *pluginhost.Host) error {
		t, err := h.Try(ctx, name, path, declared(a.declared(configured), name))
		if err != nil {
			return err
		}
		out.SHA256, out.Lock = t.Executable.SHA256, t.Lock
		if t.Executable.Platform != "" {
			out.Platform = t.Executable.Platform
		}
		if t.Foreign() {
			return fmt.Errorf("it is built for %s, and this is %s", t.Executable.Platform, trust.Platform)
		}
		out.Version, out.Protocol = t.Description.Version, t.Description.Protocol
		out.Findings = daemon.Examine(ctx, t)
		out.OK = true
		for _, f := range out.Findings {
			out.OK = out.OK && f.OK
		}
		return nil
	})
	if err != nil {
		out.Error = err.Error()
	}
	if asJSON {
		err = a.printJSON(out)
	} else {
		err = a.printVerification(out)
	}
	if err == nil && !out.OK {
		err = errFoundWanting
	}
	return err
}

func (a *app) printVerification(v verification) error {
	p := a.paint()
	var out strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&out, "  %s %s\n", p.dim(fmt.Sprintf("%-9s", name)), value)
		}
	}
	fmt.Fprintln(&out, p.bold(strings.TrimSpace(v.Plugin+" "+v.Version)))
	line("path", v.Path)
	line("sha256", v.SHA256)
	line("platform", v.Platform)
	if v.Protocol > 0 {
		line("protocol", fmt.Sprint(v.Protocol))
	}
	line("lock", string(v.Lock))
	if v.Error != "" {
		fmt.Fprintf(&out, "\n%s %s\n", p.bad("wrong"), v.Error)
	}
	if len(v.Findings) > 0 {
		out.WriteString("\n")
	}
	for _, f := range v.Findings {
		mark := p.good("ok   ")
		switch {
		case f.Skipped:
			mark = p.warn("-    ")
		case !f.OK:
			mark = p.bad("wrong")
		}
		fmt.Fprintf(&out, "%s %s %s: %s\n", mark, strings.ReplaceAll(f.Kind, "_", " "), f.Name, f.Message)
	}
	_, err := fmt.Fprint(a.out, out.String())
	return err
}
