// Command plugins is the plugins of the daemon's tests. They are a program of their own,
// since it starts in half the time of the test binary.
package main

import (
	"os"
	"slices"

	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "acme" {
		runAcme(os.Args[2])
		return
	}
	sdk.Serve(sdk.Plugin{
		Name: "builtin", Version: "0.0.1",
		Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components(), []sdk.Factory{scripted, counting}),
	})
}
