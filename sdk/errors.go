package sdk

import (
	"errors"
	"fmt"
)

// Errors that keep their identity across the wire: errors.Is knows them on
// both sides.
var (
	ErrInvalidConfig = errors.New("invalid configuration")
	ErrUnavailable   = errors.New("unavailable")
	ErrUnsupported   = errors.New("unsupported")
	ErrNotFound      = errors.New("not found")
	ErrPanic         = errors.New("component panicked")
	ErrInternal      = errors.New("internal error")
)

// ConfigError is a complaint about one attribute of a component's block. It is
// an [ErrInvalidConfig].
type ConfigError struct {
	Path    []string // attribute, or block names and then attribute; empty: the block as a whole
	Message string   // what is wrong
	Hint    string   // what would be right
}

func (e *ConfigError) Error() string {
	if len(e.Path) == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s: %s", e.Path[len(e.Path)-1], e.Message)
}

// Unwrap makes every ConfigError an [ErrInvalidConfig].
func (e *ConfigError) Unwrap() error { return ErrInvalidConfig }
