package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// NoArgs refuses arguments for a command that takes none, and unknown commands.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.HasSubCommands() {
		return NoSuchCommand(c, args[0])
	}
	return fmt.Errorf("%s takes no arguments, but got %q", NameOf(c), args[0])
}

// OneFile accepts at most one file name.
func OneFile(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one file, but got %d", NameOf(c), len(args))
	}
	return nil
}

// AtMostOne accepts at most one argument.
func AtMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one argument at most, but got %d", NameOf(c), len(args))
	}
	return nil
}

// NoSuchCommand returns the error for an unknown command of c, with the one that was probably
// meant.
func NoSuchCommand(c *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command %q", strings.TrimSpace(NameOf(c)+" "+name))
	if why := missing[strings.TrimSpace(NameOf(c)+" "+name)]; why != "" {
		text += ": " + why
	} else if like := meantCommand(c, name); like != "" {
		text += fmt.Sprintf("; did you mean %q?", like)
	} else if c.HasParent() {
		text += "; the commands are " + strings.Join(visible(c), ", ")
	}
	return WrongUsage(c, errors.New(text))
}

const noPauseOfKeys = "a single key cannot be paused: 'aitunnel key remove CHANNEL KEY' takes it out of the configuration, and 'aitunnel config undo' brings it back"

// missing lists commands that one might expect, and what to do instead.
var missing = map[string]string{
	"key pause": noPauseOfKeys, "key disable": noPauseOfKeys,
	"tunnel add": inTheFile("tunnel"), "tunnel remove": inTheFile("tunnel"), "tunnel set": inTheFile("tunnel"), "tunnel edit": inTheFile("tunnel"),
	"notify add": inTheFile("notify"), "notify remove": inTheFile("notify"), "notify set": inTheFile("notify"), "notify edit": inTheFile("notify"),
}

func inTheFile(block string) string {
	return fmt.Sprintf("add, change or remove the block in the configuration, or in the panel; 'aitunnel config example %s' shows one", block)
}

// otherNames lists what other programs call a command.
var otherNames = map[string]string{
	"ls": "list", "show": "list", "delete": "remove", "rm": "remove", "del": "remove", "create": "add", "enable": "resume", "cost": "usage", "costs": "usage", "spend": "usage",
	"history": "requests", "log": "logs", "ps": "status", "info": "status", "run": "start", "serve": "start", "kill": "stop", "quit": "stop", "check": "validate", "setup": "init", "web": "panel", "ui": "panel",
}

// meantCommand returns the command of c that was probably meant: one with a similar
// name, one that other programs call this, or a command of a group if the group is
// missing.
func meantCommand(c *cobra.Command, name string) string {
	names := visible(c)
	for _, n := range names {
		if len(name) > 1 && strings.HasPrefix(n, name) {
			return n
		}
	}
	most := max(1, min((len(name)+1)/3, 2)) // most short names are similar
	if n := wording.Nearest(name, names); n != "" && wording.Distance(name, n) <= most {
		return n
	}
	if n := otherNames[name]; slices.Contains(names, n) {
		return n
	}
	if c.HasParent() {
		return "" // one of another group does something else
	}
	for _, group := range c.Commands() {
		for _, sub := range group.Commands() {
			if !sub.Hidden && sub.Name() == name && group.Name() != "completion" {
				return NameOf(sub)
			}
		}
	}
	return ""
}

// visible returns the names of the commands of c that help shows.
func visible(c *cobra.Command) (names []string) {
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	return names
}

// NameOf returns the command without the program's name.
func NameOf(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return path
}

// ExactArgs accepts exactly these arguments.
func ExactArgs(what ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(what):
			return fmt.Errorf("%s needs %s", NameOf(c), strings.Join(what[len(args):], " and "))
		case len(args) > len(what):
			return fmt.Errorf("%s takes only %s, but got %q too", NameOf(c), strings.Join(what, " and "), args[len(what)])
		}
		return nil
	}
}
