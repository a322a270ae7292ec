package sdk

import (
	"fmt"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// Errors that keep their identity across the wire: errors.Is recognizes them on
// both sides. Any other error of a component becomes an [ErrInternal] with the
// same text.
var (
	ErrInvalidConfig error = wire.CodeInvalidConfig // the settings of a block are not valid; see [ConfigError]
	ErrUnavailable   error = wire.CodeUnavailable   // the host could not do it now, for example because a check was canceled
	ErrUnsupported   error = wire.CodeUnsupported   // the other side does not have this method
	ErrNotFound      error = wire.CodeNotFound      // there is no such component or instance
	ErrPanic         error = wire.CodePanic         // a method of the component panicked
	ErrInternal      error = wire.CodeInternal      // any other error
)

// ConfigError reports an error in one setting of a component's block. It is
// an [ErrInvalidConfig].
type ConfigError struct {
	// Path is the name of the setting, after the names of the blocks that it is in, each
	// followed by its label if it has one. Empty: the block as a whole.
	Path    []string
	Message string // what is wrong
	Hint    string // optional: what to do, as a sentence that follows Message: "use a number from 0 to 1"
}

func (e *ConfigError) Error() string {
	if len(e.Path) == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s: %s", e.Path[len(e.Path)-1], e.Message)
}

// Unwrap makes every ConfigError an [ErrInvalidConfig].
func (e *ConfigError) Unwrap() error { return ErrInvalidConfig }
