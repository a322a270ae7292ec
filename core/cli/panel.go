package cli

import (
	"context"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
)

func (a *app) panelCommand() *cobra.Command {
	printOnly := false
	c := &cobra.Command{
		Use:     "panel",
		Short:   "Open the panel in a browser",
		Long:    "Open the panel in a browser, by a link that is good for one login within five\nminutes, and print that link.",
		Example: "  aitunnel panel\n  aitunnel panel --print",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.panel(c.Context(), printOnly) },
	}
	c.Flags().BoolVar(&printOnly, "print", false, "print the link only")
	return c
}

func (a *app) panel(ctx context.Context, printOnly bool) error {
	var link admin.Link
	if err := a.remote().post(ctx, "/api/session/link", nil, &link); err != nil {
		return err
	}
	a.say("%s", link.URL)
	if printOnly || !colored(a.out) && !a.asksPeople() {
		return nil
	}
	if command := browser(link.URL); command != nil {
		_ = command.Start() // where there is no browser, the link was printed
	}
	return nil
}

// browser is the command that opens a page, nil where no one can look at it.
func browser(url string) *exec.Cmd {
	switch runtime.GOOS {
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	case "darwin":
		return exec.Command("open", url)
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return nil
	}
	return exec.Command("xdg-open", url)
}
