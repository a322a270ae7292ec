package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/core/pluginsource/releasetest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// releases starts a server in the form of GitHub, which the program uses from now on.
func releases(ts *testscript.TestScript, _ bool, _ []string) {
	s := releasetest.New(ts.Value("testing").(testing.TB))
	var b bytes.Buffer
	ts.Check(pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	cert := ts.MkAbs("cert.pem")
	ts.Check(os.WriteFile(cert, b.Bytes(), 0o600))
	ts.Setenv("SSL_CERT_FILE", cert)
	ts.Setenv("AITUNNEL_GITHUB_API", s.API())
	ts.Setenv("RELEASES", s.URL+"/"+releasetest.Repository+"/releases/download")
	ts.Setenv("PLATFORM", runtime.GOOS+"_"+runtime.GOARCH)
	ts.Value("releases").(map[string]*releasetest.Server)["server"] = s
}

// publish publishes a version of the plugin acme: VERSION FILE KEY.
func publish(ts *testscript.TestScript, _ bool, args []string) {
	content, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	publishContent(ts, args[0], content, args[2])
}

// republish publishes other content as the same version: VERSION TEXT KEY.
func republish(ts *testscript.TestScript, _ bool, args []string) {
	publishContent(ts, args[0], []byte(args[1]), args[2])
}

func publishContent(ts *testscript.TestScript, version string, content []byte, key string) {
	t := ts.Value("testing").(testing.TB)
	number, err := strconv.Atoi(key)
	ts.Check(err)
	name := func(platform string) string { return "aitunnel-plugin-acme_" + version + "_" + platform + ".tar.gz" }
	ts.Value("releases").(map[string]*releasetest.Server)["server"].Publish(version, map[string][]byte{
		name(runtime.GOOS + "_" + runtime.GOARCH): archiveOf(t, content),
		"newest.tar.gz":    archiveOf(t, content),
		name("plan9_mips"): releasetest.TarGz(t, releasetest.File{Name: "aitunnel-plugin-acme"}),
	}, releasetest.NewKey(byte(number)))
}

// publishDir adds a version of the plugin acme to the releases in a directory: DIR VERSION
// FILE KEY. If the key is 0, there are no checksums.
func publishDir(ts *testscript.TestScript, _ bool, args []string) {
	t := ts.Value("testing").(testing.TB)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	content, err := os.ReadFile(ts.MkAbs(args[2]))
	ts.Check(err)
	name := "aitunnel-plugin-acme_" + args[1] + "_" + runtime.GOOS + "_" + runtime.GOARCH + ".tar.gz"
	ts.Check(os.WriteFile(filepath.Join(dir, name), archiveOf(t, content), 0o600))
	number, err := strconv.Atoi(args[3])
	ts.Check(err)
	if number == 0 {
		return
	}
	packed, err := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	ts.Check(err)
	var sums bytes.Buffer
	for _, path := range packed {
		archive, err := os.ReadFile(path)
		ts.Check(err)
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(archive), filepath.Base(path))
	}
	ts.Check(os.WriteFile(filepath.Join(dir, "SHA256SUMS"), sums.Bytes(), 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, "SHA256SUMS.minisig"), releasetest.NewKey(byte(number)).Sign(sums.Bytes()), 0o600))
}

// archives caches the archives that were packed, by the hash of the program.
var archives sync.Map

func archiveOf(t testing.TB, program []byte) []byte {
	sum := sha256.Sum256(program)
	if packed, ok := archives.Load(sum); ok {
		return packed.([]byte)
	}
	packed := releasetest.TarGz(t, releasetest.File{Name: "aitunnel-plugin-acme", Content: program})
	archives.Store(sum, packed)
	return packed
}

// awaitPlugins waits until the list of plugins matches.
func awaitPlugins(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	matches := func() bool {
		_ = ts.Exec("aitunnel", "plugin", "list") // the output says what is wrong
		return pattern.MatchString(ts.ReadFile("stdout"))
	}
	if !testhelp.Poll(waitLimit, matches) {
		ts.Fatalf("the list of plugins does not match %s:\n%s", args[0], ts.ReadFile("stdout"))
	}
}
