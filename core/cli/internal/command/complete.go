package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
)

// completionTime is the time limit for completing a name.
const completionTime = time.Second

// CompleteChannels completes the names of channels.
func (a *Env) CompleteChannels(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, ch := range AnswerForCompletion(a, c, (*adminclient.Client).Channels) {
		out = append(out, cobra.CompletionWithDesc(ch.Name, ch.Target))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// AnswerForCompletion returns the running program's answer, or nothing if there is none in time.
func AnswerForCompletion[T any](a *Env, c *cobra.Command, call func(*adminclient.Client, context.Context) (T, error)) T {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), completionTime)
	defer cancel()
	out, _ := call(a.Client(), ctx)
	return out
}
