package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// noArgs refuses arguments of a command that takes none, and unknown commands.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.HasSubCommands() {
		return noSuchCommand(c, args[0])
	}
	return fmt.Errorf("%s takes no arguments, but got %q", inProgram(c), args[0])
}

// oneFile accepts the name of one file at most.
func oneFile(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one file, but got %d", inProgram(c), len(args))
	}
	return nil
}

// atMostOne accepts no argument, or one.
func atMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one argument at most, but got %d", inProgram(c), len(args))
	}
	return nil
}

// noSuchCommand returns the error that c has no command of that name. It suggests a
// similar one.
func noSuchCommand(c *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command %q", strings.TrimSpace(inProgram(c)+" "+name))
	c.SuggestionsMinimumDistance = max(1, min((len(name)+1)/3, 2)) // most short names are similar
	if like := c.SuggestionsFor(name); len(like) > 0 {
		best := like[0]
		for _, l := range like {
			if strings.HasPrefix(l, name) {
				best = l
				break
			}
		}
		text += fmt.Sprintf("; did you mean %q?", best)
	}
	return usageError{c, errors.New(text)}
}

// inProgram returns the command without the program's name.
func inProgram(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return path
}

// helpCommand is cobra's, but it fails for an unknown command.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Show the help of a command",
		Example: "  aitunnel help start",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noSuchCommand(c.Root(), strings.Join(args, " "))
			}
			return found.Help()
		},
	}
}

// names accepts exactly these arguments.
func names(what ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(what):
			return fmt.Errorf("%s needs %s", inProgram(c), strings.Join(what[len(args):], " and "))
		case len(args) > len(what):
			return fmt.Errorf("%s takes only %s, but got %q too", inProgram(c), strings.Join(what, " and "), args[len(what)])
		}
		return nil
	}
}
