package proxy

import "errors"

// ErrShutdown is the cause (see [context.Cause]) with which the context of a
// request ends that is still in flight when the program stops: its stream ends
// with an error event of its dialect.
var ErrShutdown = errors.New("aitunnel is stopping")
