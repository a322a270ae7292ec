package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// noArgs refuses arguments of a command that takes none, and names of commands
// that there are not.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.HasSubCommands() {
		return noSuchCommand(c, args[0])
	}
	return fmt.Errorf("%s takes no arguments, but there is %q", inProgram(c), args[0])
}

// oneFile accepts the name of one file at most.
func oneFile(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one file, but there are %d", inProgram(c), len(args))
	}
	return nil
}

// noSuchCommand says that c has no command of that name, and which may be meant.
func noSuchCommand(c *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command %q", strings.TrimSpace(inProgram(c)+" "+name))
	c.SuggestionsMinimumDistance = max(1, min((len(name)+1)/3, 2)) // of short names most are near
	if like := c.SuggestionsFor(name); len(like) > 0 {
		text += fmt.Sprintf("; did you mean %q?", like[0])
	}
	return usageError{c, errors.New(text)}
}

// inProgram is the command without the program's name.
func inProgram(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return path
}

// helpCommand is cobra's, but it fails for a command that there is not.
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

// count is a number with its noun in the right form.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
