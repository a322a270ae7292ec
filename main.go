// Aitunnel is a proxy for AI APIs that runs at home and serves a VPS.
package main

import (
	"os"

	"github.com/aitunnel/aitunnel/core/cli"
)

func main() { os.Exit(cli.Main()) }
