package program

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// The exit codes of all programs.
const (
	OK      = 0 // done, or stopped when it was asked to
	Failed  = 1 // what was asked for could not be done
	Misused = 2 // wrong usage or configuration: nothing was begun
	Left    = 3 // it was done, and what was looked at is not as it must be
)

// ErrLeft ends a command that came to its end and has found, and told, what is not
// as it must be: a job that runs by itself can tell that from a failure.
var ErrLeft = errors.New("not everything is as it must be")

// misused tells what is wrong with the arguments and where help is.
func (p Program[C]) misused(errOut io.Writer, name string, err error) int {
	fmt.Fprintf(errOut, "%s: %v\n`%s --help` tells more\n", name, err, name)
	return Misused
}

// exit makes an exit code of what a command ended with, and tells an error.
func (c *Command[C]) exit(name string, err error, errOut io.Writer) int {
	canceled := errors.Is(err, context.Canceled)
	switch {
	case err == nil, canceled && c.Serves:
		return OK
	case errors.Is(err, ErrLeft):
		if err != ErrLeft {
			fmt.Fprintf(errOut, "%s: %v\n", name, err)
		}
		return Left
	case canceled:
		fmt.Fprintf(errOut, "%s: broken off\n", name)
		return Failed
	}
	fmt.Fprintf(errOut, "%s: %v\n", name, err)
	return Failed
}
