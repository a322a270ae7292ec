package observe

import (
	"context"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
)

func (a *app) panelCommand() *cobra.Command {
	printOnly := false
	c := &cobra.Command{
		Use:     "panel",
		Short:   "Open the panel in a browser",
		Long:    "Open the panel in a browser with a link that signs in once, within five minutes,\nand print the link.",
		Example: "  aitunnel panel\n  aitunnel panel --print",
		Args:    command.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.panel(c.Context(), printOnly) },
	}
	c.Flags().BoolVar(&printOnly, "print", false, "only print the link")
	return c
}

func (a *app) panel(ctx context.Context, printOnly bool) error {
	link, err := a.Client().PanelLink(ctx)
	if err != nil {
		return err
	}
	a.Say("%s", link.URL)
	if printOnly || !bool(term.Colors(a.Out)) && !a.Input().IsTerminal() {
		return nil
	}
	if command := browser(link.URL); command != nil {
		_ = command.Start() // without a browser, the printed link can be opened
	}
	return nil
}

// browser returns the command that opens a page, nil without a display.
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
