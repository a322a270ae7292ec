//go:build unix

package service

import "context"

// Run calls run. The service managers of Unix need only a process.
func Run(ctx context.Context, run func(context.Context) error) error { return run(ctx) }
