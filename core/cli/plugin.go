package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/sdk"
)

func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "Look at plugins, install them, and say which may run",
		Long: "Look at plugins, install them, and say which may run.\n\n" +
			"A plugin is a program that runs as you do: nothing keeps it from reading your\n" +
			"files. Therefore one of a third party runs only if the lock file beside the\n" +
			"configuration has the hash of its executable. 'plugin install' and 'plugin lock'\n" +
			"write it; do that with what you trust.",
		Example: "  aitunnel plugin list\n  aitunnel plugin install ./aitunnel-plugin-acme",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.pluginListCommand(), a.pluginInfoCommand(), a.pluginVerifyCommand(), a.pluginInstallCommand(), a.pluginLockCommand(), a.pluginNewCommand())
	return c
}

func (a *app) pluginListCommand() *cobra.Command {
	asJSON := false
	list := &cobra.Command{
		Use:     "list",
		Short:   "List the components of all plugins, and where they are used",
		Long:    "List the components of all plugins: those of the running program if it answers,\nelse those that the configuration would use.",
		Example: "  aitunnel plugin list\n  aitunnel plugin list --json",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.pluginList(c.Context(), asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return list
}

func (a *app) pluginList(ctx context.Context, asJSON bool) error {
	plugins, err := a.plugins(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		return e.Encode(plugins)
	}
	return printPlugins(a.out, plugins)
}

// plugins asks the running program, or else starts the plugins to ask them.
func (a *app) plugins(ctx context.Context) (admin.Plugins, error) {
	path, missing := config.Find(a.config)
	if missing != nil && a.config != "" {
		return admin.Plugins{}, missing
	}
	var out admin.Plugins
	err := a.withPlugins(path, func(h *pluginhost.Host) error {
		if missing != nil {
			_, err := h.Component(ctx, sdk.KindStrategy, "priority", nil) // starts the process
			out = notRunning(daemon.ShowPlugins(h, nil))
			return err
		}
		cfg, report := daemon.Check(ctx, config.Options{Path: path, Vars: a.vars, Catalog: h}, h)
		if report.HasErrors() {
			return &daemon.ConfigError{Report: report}
		}
		if running, err := askStatus(ctx, cfg.Admin); err == nil {
			out = running.Plugins
			return nil
		}
		out = notRunning(daemon.ShowPlugins(h, cfg))
		return nil
	})
	return out, err
}

// notRunning shows processes that were started only to be asked.
func notRunning(p admin.Plugins) admin.Plugins {
	for i := range p.Processes {
		p.Processes[i].State, p.Processes[i].PID = "not running", 0
	}
	return p
}

// askStatus asks the running program for its state.
func askStatus(ctx context.Context, c config.Admin) (admin.Status, error) {
	var out admin.Status
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(c.Listen)+"/api/status", nil)
	if err != nil {
		return out, err
	}
	if !c.Token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return out, fmt.Errorf("the admin port answers %s", resp.Status)
	}
	return out, json.NewDecoder(resp.Body).Decode(&out)
}

// reachable is the address at which to reach what listens on listen: a listener
// on all addresses answers to none by that name.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || (host != "" && host != "0.0.0.0" && host != "::") {
		return listen
	}
	return net.JoinHostPort("localhost", port)
}

func printPlugins(w io.Writer, plugins admin.Plugins) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "KIND\tCOMPONENT\tPLUGIN\tVERSION\tPROCESS\tUSED AT")
	for _, p := range plugins.Processes {
		process := p.State
		if p.PID > 0 {
			process = fmt.Sprintf("%s, pid %d", p.State, p.PID)
		}
		if p.Restarts > 0 {
			process += fmt.Sprintf(", %d restarts", p.Restarts)
		}
		for _, c := range p.Components {
			name := c.Name
			if p.Source != "built-in" {
				name = p.Plugin + "/" + c.Name
			}
			used := strings.Join(c.UsedAt, ", ")
			if used == "" {
				used = "-"
			}
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", strings.ReplaceAll(c.Kind, "_", " "), name, p.Plugin, p.Version, process, used)
		}
		if p.LastError != "" && p.State != "running" {
			_, _ = fmt.Fprintf(t, "\t\t%s\t\t%s\t\n", p.Plugin, p.LastError)
		}
	}
	return t.Flush()
}
