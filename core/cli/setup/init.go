package setup

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/template"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
)

func (a *app) initCommand() *cobra.Command {
	from, wizard, untried := "", false, false
	c := &cobra.Command{
		Use:     "init",
		Short:   "Write an initial configuration",
		Long:    "Write an initial configuration with comments and new tokens, readable only by you:\naitunnel.hcl in this directory, or the file that --config names. An existing file\nis not changed, except by --wizard: it continues where it was interrupted, and\nreplaces the examples of a file that you have not edited.",
		Example: "  aitunnel init\n  aitunnel init --wizard\n  aitunnel init --from tunnel.config.yaml",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if from != "" && wizard {
				return command.WrongUsage(c, errors.New("--from and --wizard cannot be used together"))
			}
			return a.init(c.Context(), from, wizard, untried)
		},
	}
	c.Flags().StringVar(&from, "from", "", "convert this YAML file of the earlier program")
	c.Flags().BoolVar(&wizard, "wizard", false, "ask for the sites, their keys and the VPS, and try each site with its keys")
	c.Flags().BoolVar(&untried, "no-check", false, "with --wizard: do not send anything to the sites")
	return c
}

// first contains what a first configuration needs.
type first struct {
	ClientToken, AdminToken string
	Sites                   []site // none: an example
	Tunnel                  *vps   // nil: an example in comments

	Open    bool // the wizard is not finished
	untried bool // the sites are not tried
}

type site struct {
	Name, Target string
	Auth         string // "": by the request
	Keys         []string
	Fallback     bool
	API          string // the dialect of its only API; "": several, or unknown
}

// Note is a comment about the site.
func (s site) Note() string {
	if s.API == "" {
		return ""
	}
	return apiNote(s.Speaks())
}

type vps struct{ Host, User string }

func (a *app) init(ctx context.Context, from string, wizard, untried bool) error {
	path := cmp.Or(a.Config, config.FileName)
	if config.IsOld(path) {
		return fmt.Errorf("the new configuration is HCL, but %s is a name of a YAML file: use another name with --config, such as %s", path, config.FileName)
	}
	f := first{ClientToken: config.NewToken(), AdminToken: config.NewToken()}
	if wizard {
		return a.initByWizard(ctx, path, f, untried)
	}
	if _, err := os.Stat(path); err == nil {
		return existsError(path)
	}
	text, err := f.render()
	if from != "" {
		text, err = a.initFrom(ctx, from, f)
	}
	if err == nil {
		err = a.writeFirst(ctx, path, text)
	}
	if err != nil {
		return err
	}
	return a.whatNext(path, text, from != "", from != "")
}

func existsError(path string) error {
	if isOpen(path) {
		return fmt.Errorf("%s already exists and was not changed: it has what you entered in the wizard; to answer the other questions: %s", path, wizardCommand(path))
	}
	return fmt.Errorf("%s already exists and was not changed: remove it, or name another file with --config", path)
}

// writeFirst writes a new file that only its owner can read. If the file turns out to
// be invalid, it is removed.
func (a *app) writeFirst(ctx context.Context, path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return existsError(path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		var report config.Report
		if report, err = a.Check(ctx, path); err == nil && report.HasErrors() {
			err = &reload.ConfigError{Report: report}
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// initFrom converts an old file. The tokens are in comments, since apps and scripts
// that do not send them yet would be refused.
func (a *app) initFrom(ctx context.Context, from string, f first) ([]byte, error) {
	out, err := a.convert(ctx, from)
	if err != nil {
		return nil, err
	}
	head, rest, _ := strings.Cut(string(out), "\n")
	note := fmt.Sprintf(`#
# Two tokens keep others out. They are new, and requests without them are
# refused: remove the # once your apps and scripts have them.
#
#   proxy { client_tokens = [%q] } # your apps send it as their API key
#   admin { token = %q }           # scripts send it as "Authorization: Bearer TOKEN"
`, f.ClientToken, f.AdminToken)
	return []byte(head + "\n" + note + rest), nil
}

//go:embed init.hcl.tmpl
var firstText string

var firstTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"hcl": Literal}).Parse(firstText))
})

// Literal returns a quoted string in HCL.
func Literal(s string) string { return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()) }

func (f first) render() ([]byte, error) {
	var out strings.Builder
	if err := firstTemplate().Execute(&out, f); err != nil {
		return nil, err
	}
	text := hclwrite.Format([]byte(out.String()))
	if f.Open {
		text = append([]byte(openMark+"\n"), text...)
	}
	return text, nil
}

// whatNext prints what to do next. text is the written configuration.
func (a *app) whatNext(path string, text []byte, ready, converted bool) error {
	flag := configFlag(path)
	var steps []string
	if !ready {
		steps = append(steps, "put your site's address and your key into it, or answer questions\n     instead: "+wizardCommand(path))
	}
	if bytes.Contains(text, []byte("\ntunnel \"vps\"")) {
		steps = append(steps, "aitunnel tunnel trust vps"+flag)
	}
	steps = append(steps, "aitunnel start"+flag)
	_, err := fmt.Fprintf(a.Out, "Wrote %s; only you can read it.\n\nNext:\n", path)
	for i, step := range steps {
		if len(steps) > 1 {
			step = fmt.Sprintf("%d. %s", i+1, step)
		}
		_, _ = fmt.Fprintf(a.Out, "  %s\n", step)
	}
	apps := fmt.Sprintf("Your apps use http://127.0.0.1:9000 (OpenAI: http://127.0.0.1:9000/v1), and the\nclient token in %s as their API key.", filepath.Base(path))
	if converted {
		apps = fmt.Sprintf("Your apps work as before. At the top of %s are two tokens that keep\nothers out; enable them once your apps have them.", filepath.Base(path))
	}
	_, _ = fmt.Fprintf(a.Out, "\n%s\n", apps)
	return err
}
