package proxy

import "errors"

// ErrShutdown is the cause (see [context.Cause]) of a request's context that was
// canceled because the program stops: its stream ends with an error event.
var ErrShutdown = errors.New("aitunnel is stopping")
