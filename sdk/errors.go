package sdk

import (
	"fmt"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// Errors that keep their identity across the wire: errors.Is knows them on
// both sides. Any other error of a component becomes an [ErrInternal] with the
// same text.
var (
	ErrInvalidConfig error = wire.CodeInvalidConfig
	ErrUnavailable   error = wire.CodeUnavailable
	ErrUnsupported   error = wire.CodeUnsupported
	ErrNotFound      error = wire.CodeNotFound
	ErrPanic         error = wire.CodePanic
	ErrInternal      error = wire.CodeInternal
)

// ConfigError is a complaint about one attribute of a component's block. It is
// an [ErrInvalidConfig].
type ConfigError struct {
	Path    []string // attribute, or block names, each with its label if it has one, and then attribute; empty: the block as a whole
	Message string   // what is wrong
	Hint    string   // what would be right, as a whole sentence that follows Message: "Write for example …"
}

func (e *ConfigError) Error() string {
	if len(e.Path) == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s: %s", e.Path[len(e.Path)-1], e.Message)
}

// Unwrap makes every ConfigError an [ErrInvalidConfig].
func (e *ConfigError) Unwrap() error { return ErrInvalidConfig }
