//go:build unix

package cli

import "context"

// managedRun is run: service managers of Unix want nothing but a process.
func managedRun(ctx context.Context, run func(context.Context) error) error { return run(ctx) }
