// Command aitunnel-plugin-cheapest is a plugin of aitunnel with one strategy,
// cheapest. It is an example of what a third party writes: a module of its own
// that imports the SDK only.
package main

import (
	"log/slog"
	"os"

	"github.com/aitunnel/aitunnel/sdk"
)

// version is that of a release; make build sets it.
var version = "0.1.0"

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	sdk.Serve(sdk.Plugin{
		Name:       "cheapest",
		Version:    version,
		Doc:        "Sends requests to the cheapest channel, within a budget.",
		Components: []sdk.Factory{cheapest},
	})
}
