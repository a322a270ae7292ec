package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
)

func (a *app) initCommand() *cobra.Command {
	from, wizard := "", false
	c := &cobra.Command{
		Use:     "init",
		Short:   "Write a first configuration",
		Long:    "Write a first configuration, with comments and fresh tokens, that only you can\nread: aitunnel.hcl here, or the file that --config names. A file that is there is\nleft alone.",
		Example: "  aitunnel init\n  aitunnel init --wizard\n  aitunnel init --from tunnel.config.yaml",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if from != "" && wizard {
				return usageError{c, errors.New("--from and --wizard do not go together")}
			}
			return a.init(c.Context(), from, wizard)
		},
	}
	c.Flags().StringVar(&from, "from", "", "convert this file of the earlier program")
	c.Flags().BoolVar(&wizard, "wizard", false, "ask for the sites, their keys and the VPS")
	return c
}

// first is what a first configuration holds.
type first struct {
	ClientToken, AdminToken string
	Sites                   []site // none: an example
	Tunnel                  *vps   // nil: an example in comments
}

type site struct {
	Name, Target string
	Keys         []string
	Fallback     bool
}

type vps struct{ Host, User string }

func (a *app) init(ctx context.Context, from string, wizard bool) error {
	path := cmp.Or(a.config, config.FileName)
	if config.IsOld(path) {
		return fmt.Errorf("%s is YAML, and what is written is HCL: give another name with --config, such as %s", path, config.FileName)
	}
	if _, err := os.Stat(path); err == nil {
		return existsError(path)
	}
	f := first{ClientToken: newToken(), AdminToken: newToken()}
	var text []byte
	var err error
	switch {
	case from != "":
		text, err = a.initFrom(ctx, from, f)
	case wizard:
		if err = a.wizard(ctx, &f); err == nil {
			text, err = f.render()
		}
	default:
		text, err = f.render()
	}
	if err != nil {
		return err
	}
	if err := a.writeFirst(ctx, path, text); err != nil {
		return err
	}
	return a.whatNext(path, text, from != "" || wizard, from != "")
}

func existsError(path string) error {
	return fmt.Errorf("%s is there already and is left alone: remove it, or name another file with --config", path)
}

// newToken is one that nobody guesses.
func newToken() string { return "at-" + strings.ToLower(rand.Text()) }

// writeFirst writes a new file that only its owner can read, once it is known
// to be in order.
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
		if report, err = a.check(ctx, path); err == nil && report.HasErrors() {
			err = &daemon.ConfigError{Report: report}
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// initFrom is the conversion of an old file. The tokens stand in comments:
// apps and scripts that go without them would be shut out.
func (a *app) initFrom(ctx context.Context, from string, f first) ([]byte, error) {
	out, err := a.convert(ctx, from)
	if err != nil {
		return nil, err
	}
	head, rest, _ := strings.Cut(string(out), "\n")
	note := fmt.Sprintf(`#
# Two tokens keep others out. They are new, and what does not know them is
# refused: take the # away once you have given them on.
#
#   proxy { client_tokens = [%q] } # your apps send it as their API key
#   admin { token = %q }           # scripts send it as "Authorization: Bearer TOKEN"
`, f.ClientToken, f.AdminToken)
	return []byte(head + "\n" + note + rest), nil
}

//go:embed init.hcl.tmpl
var firstText string

var firstTemplate = template.Must(template.New("").Funcs(template.FuncMap{"hcl": literal}).Parse(firstText))

// literal is a text as HCL has it.
func literal(s string) string { return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()) }

func (f first) render() ([]byte, error) {
	var out strings.Builder
	if err := firstTemplate.Execute(&out, f); err != nil {
		return nil, err
	}
	return hclwrite.Format([]byte(out.String())), nil
}

// whatNext says what is left to do. text is what was written.
func (a *app) whatNext(path string, text []byte, ready, converted bool) error {
	flag := ""
	if path != config.FileName {
		flag = " -c " + config.ShellWord(path)
	}
	var steps []string
	if !ready {
		steps = append(steps, "put the site's address and your key into it")
	}
	if bytes.Contains(text, []byte("\ntunnel \"vps\"")) {
		steps = append(steps, "aitunnel tunnel trust vps"+flag)
	}
	steps = append(steps, "aitunnel start"+flag)
	_, err := fmt.Fprintf(a.out, "%s is written; only you can read it.\n\nNext:\n", path)
	for i, step := range steps {
		if len(steps) > 1 {
			step = fmt.Sprintf("%d. %s", i+1, step)
		}
		_, _ = fmt.Fprintf(a.out, "  %s\n", step)
	}
	apps := fmt.Sprintf("Your apps use http://localhost:9000 (OpenAI: http://localhost:9000/v1), and the\nclient token in %s as their API key.", filepath.Base(path))
	if converted {
		apps = fmt.Sprintf("Your apps go on as they are. At the top of %s are two tokens that keep\nothers out, for when you have given them on.", filepath.Base(path))
	}
	_, _ = fmt.Fprintf(a.out, "\n%s\n", apps)
	return err
}
