// Command aitunnel-plugin-bandit is a plugin of aitunnel with one strategy,
// bandit. It is an example of what a third party writes: a module of its own
// that imports the SDK only.
package main

import "github.com/aitunnel/aitunnel/sdk"

// version is that of a release; make build sets it.
var version = "0.1.0"

func main() {
	sdk.Serve(sdk.Plugin{
		Name:       "bandit",
		Version:    version,
		Doc:        "Learns which channel serves best.",
		Components: []sdk.Factory{bandit},
	})
}
