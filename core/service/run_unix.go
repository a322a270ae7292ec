//go:build unix

package service

import "context"

// Run calls run. Service managers of Unix need nothing but a process.
func Run(ctx context.Context, run func(context.Context) error) error { return run(ctx) }
