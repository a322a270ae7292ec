package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/plugins"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestMain makes the test binary run as the program under the name aitunnel-altered, which
// takes its version and the time limit of downloads from the environment. It also runs as
// the process of built-in components, for a daemon that a test runs in this process.
func TestMain(m *testing.M) {
	eval.RunEvaluator()
	run := func() {
		if v := os.Getenv("TEST_VERSION"); v != "" {
			version = v
		}
		if d, err := time.ParseDuration(os.Getenv("TEST_DOWNLOAD_IDLE")); err == nil {
			plugins.DownloadIdle = d
		}
		os.Exit(Main())
	}
	if len(os.Args) == 2 && os.Args[1] == command.BuiltinArg {
		run()
	}
	testscript.Main(programs{m}, map[string]func(){"aitunnel-altered": run})
}

// programs adds aitunnel and two plugins to PATH. The program itself starts faster than the
// test binary. If the environment variable AITUNNEL names it, as in make test, it is not
// built again.
type programs struct{ *testing.M }

func (m programs) Run() int {
	dir, err := os.MkdirTemp("", "aitunnel-programs")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := os.Getenv("AITUNNEL")
	if program == "" {
		program = filepath.Join(testhelp.Programs("github.com/aitunnel/aitunnel"), "aitunnel")
	}
	plugins := testhelp.Programs("./testdata/acme", "./testdata/guide")
	for name, path := range map[string]string{
		"aitunnel":              program,
		"aitunnel-plugin-acme":  filepath.Join(plugins, "acme"),
		"aitunnel-plugin-guide": filepath.Join(plugins, "guide"),
	} {
		if err := linkOrCopy(path, filepath.Join(dir, name)); err != nil {
			panic(err)
		}
	}
	if err := os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH")); err != nil {
		panic(err)
	}
	return m.M.Run()
}

// linkOrCopy makes a program available at another path, where it stays when the original
// is replaced.
func linkOrCopy(program, path string) error {
	if os.Link(program, path) == nil {
		return nil
	}
	content, err := os.ReadFile(program) // it is on another file system
	if err != nil {
		return err
	}
	return testhelp.WriteProgram(path, content, 0o700)
}
