package setup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/connect"
)

// connectFlags are the flags of connect.
type connectFlags struct {
	on, client         string
	models             []string
	write, undo, check bool
	json               bool
}

func (a *app) connectCommand() *cobra.Command {
	var f connectFlags
	c := &cobra.Command{
		Use:   "connect [APP]",
		Short: "Show, write or check the settings that an app needs to use the proxy",
		Long: `Show the settings that an app needs to use the proxy, with the address and a client
token of the running program. Without APP, list the known apps.

--write writes them into the app's own files; comments and all other settings
stay, and the original files are kept beside them, with the suffix
.aitunnel-backup. --undo restores those. --check sends one short request as the
app would, which may cost a few tokens; if there is no answer, it says what is
missing, and what --write has just written is undone. --on shows the settings for
apps on the host of a tunnel.`,
		Example: "  aitunnel connect\n  aitunnel connect claude-code --write --check\n  aitunnel connect codex --on vps\n  aitunnel connect claude-code --undo\n  eval \"$(aitunnel connect env)\"",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("connect takes one app, but got %q too", args[1])
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return appNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listApps()
			}
			app, ok := connect.Find(args[0])
			switch {
			case !ok:
				return command.WrongUsage(c, noApp(args[0]))
			case f.undo && (f.write || f.check || f.on != ""):
				return command.WrongUsage(c, errors.New("--undo cannot be used together with --write, --check or --on"))
			case f.on != "" && (f.write || f.check):
				return command.WrongUsage(c, errors.New("the app and its files are on the host of the tunnel: --on only shows the settings, with a command to try there"))
			case f.undo:
				return a.undoApp(app, f.json)
			}
			return a.connect(c.Context(), app, f)
		},
	}
	c.Flags().BoolVar(&f.write, "write", false, "write the settings into the app's files")
	c.Flags().BoolVar(&f.undo, "undo", false, "restore the app's files as they were before --write")
	c.Flags().BoolVar(&f.check, "check", false, "send one short request as the app would")
	c.Flags().StringVar(&f.on, "on", "", "show the settings for apps on the host of this `tunnel`")
	c.Flags().StringVar(&f.client, "client", "", "use the token of this `client` block (default: one of proxy.client_tokens)")
	c.Flags().StringSliceVar(&f.models, "model", nil, "the model to ask and to list in the app's files; may be repeated (default: those that the proxy lists)")
	return command.JSONFlag(c, &f.json)
}

// noApp returns the error for an unknown app, with the one that was probably meant.
func noApp(given string) error {
	meant := ""
	if near := wording.Near(given, appNames()); len(near) > 0 {
		meant = " did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("there is no app %q;%s the apps are %s", given, meant, strings.Join(appNames(), ", "))
}

func appNames() (names []string) {
	for _, a := range connect.Apps() {
		names = append(names, a.ID)
	}
	return names
}

func (a *app) listApps() error {
	t := term.NewTable(a.Paint(), "APP", "NAME", "SETTINGS")
	for _, app := range connect.Apps() {
		how := "in the app itself"
		switch {
		case app.Files != nil:
			how = "--write writes " + shortPath(app.Files(connect.Entry{}, home())[0].Path)
		case app.Command != nil:
			how = "a command to copy"
		case app.Variables != nil:
			how = "environment variables"
		case app.Link != nil:
			how = "a link that opens the app with these settings"
		}
		t.Row(app.ID, app.Name, how)
	}
	return t.Write(a.Out)
}

func home() string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return dir
}

// shortPath returns a path with ~ for the home directory.
func shortPath(path string) string {
	if rest, err := filepath.Rel(home(), path); err == nil && !strings.HasPrefix(rest, "..") {
		return filepath.Join("~", rest)
	}
	return path
}

// connected is what connect prints as JSON.
type connected struct {
	App       string                `json:"app"`
	Address   string                `json:"address"`
	Token     string                `json:"token"`
	Models    []string              `json:"models"`
	Variables map[string]string     `json:"variables,omitempty"`
	Files     map[string]string     `json:"files,omitempty"` // as if they were new
	Link      string                `json:"link,omitempty"`
	Written   []connect.WriteResult `json:"written,omitempty"`
	Reverted  []string              `json:"reverted,omitempty"` // written files that were restored because the check failed
	Check     *checked              `json:"check,omitempty"`
}

func (a *app) connect(ctx context.Context, app connect.App, f connectFlags) error {
	e, err := a.entry(ctx, f.on, f.client)
	if err != nil {
		return err
	}
	if e.Models = f.models; len(e.Models) == 0 {
		e.Models = app.SuitableModels(a.listedModels(ctx, e))
	}
	e.Models = e.Models[:min(len(e.Models), maxListed)]
	out := connected{App: app.ID, Address: e.Address, Token: e.Token, Models: e.Models}
	switch {
	case f.write:
		err = a.writeApp(app, e, f, &out)
	case f.json:
		err = out.settings(app, e)
	case !f.check:
		err = a.showApp(app, e, f.on)
	}
	if err == nil && f.check {
		out.Check, err = a.checkApp(ctx, app, e, f)
	}
	if err == nil && out.Check != nil && !out.Check.OK {
		err = a.revertApp(app, f, &out)
	}
	if err != nil {
		return err
	}
	if f.json {
		err = a.PrintJSON(out)
	}
	if err == nil && out.Check != nil && !out.Check.OK {
		return command.ExitError(command.ExitFailed)
	}
	return err
}

// maxListed is the maximum number of models listed in an app's file.
const maxListed = 50

// noToken is what an app sends if the proxy requires no token, since most apps require
// one.
const noToken = "unused"

// entry returns the proxy as apps see it: on this machine, or on the host of a tunnel.
func (a *app) entry(ctx context.Context, tunnel, name string) (connect.Entry, error) {
	client := a.Client()
	entry, err := client.Entry(ctx)
	if err != nil {
		return connect.Entry{}, err
	}
	e := connect.Entry{Address: entry.Address}
	if e.Token, err = tokenOf(entry, name); err != nil || tunnel == "" {
		return e, err
	}
	all, err := client.Tunnels(ctx)
	if err != nil {
		return e, err
	}
	e.Address, err = addressOn(all, tunnel)
	return e, err
}

// tokenOf returns the token of a client, or, without a name, any token that the proxy
// accepts.
func tokenOf(entry admin.Entry, name string) (string, error) {
	if name == "" && len(entry.Tokens) > 0 {
		return entry.Tokens[0], nil
	}
	if name == "" && len(entry.Clients) == 0 {
		return noToken, nil
	}
	var known []string
	for _, c := range entry.Clients {
		if known = append(known, c.Name); c.Token != "" && (name == "" || c.Name == name) {
			return c.Token, nil
		}
		if c.Name == name {
			return "", fmt.Errorf("the configuration has only the hash of the token of %s: it was shown when the client was added, and is entered into the app by hand", name)
		}
	}
	if name == "" {
		return "", errors.New("the configuration has only hashes of tokens, so none can be given to the app: add a token to proxy.client_tokens")
	}
	return "", fmt.Errorf("there is no client %q with a token; the clients are %s", name, strings.Join(known, ", "))
}

// addressOn returns the address of the proxy on the host of a tunnel.
func addressOn(all []admin.Tunnel, name string) (string, error) {
	var known []string
	for _, t := range all {
		known = append(known, t.Name)
		if t.Name != name {
			continue
		}
		for _, f := range t.Forwards {
			if host, port, err := net.SplitHostPort(f.Remote); err == nil && f.Channel == "" {
				if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
					host = "127.0.0.1"
				}
				return "http://" + net.JoinHostPort(host, port), nil
			}
		}
		return "", fmt.Errorf("the tunnel %s opens no port for the proxy: add a forward such as forward \"127.0.0.1:9000\" {}", name)
	}
	if len(known) == 0 {
		return "", fmt.Errorf("there is no tunnel %q; the configuration has none", name)
	}
	return "", fmt.Errorf("there is no tunnel %q; the tunnels are %s", name, strings.Join(known, ", "))
}

// settings adds the settings to the JSON output.
func (out *connected) settings(app connect.App, e connect.Entry) error {
	if app.Variables != nil {
		out.Variables = map[string]string{}
		for _, v := range app.Variables(e) {
			out.Variables[v[0]] = v[1]
		}
	}
	if app.Link != nil {
		out.Link = app.Link(e)
	}
	if app.Files == nil {
		return nil
	}
	out.Files = map[string]string{}
	for _, f := range app.Files(e, home()) {
		text, err := f.Text()
		if err != nil {
			return err
		}
		out.Files[f.Path] = text
	}
	return nil
}
