package cli

import (
	"slices"

	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

// Builtin returns the plugin of the components that come with the program.
func Builtin() sdk.Plugin {
	return sdk.Plugin{
		Name:       "builtin",
		Version:    Version(),
		Doc:        "The components that come with aitunnel.",
		Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components()),
	}
}
