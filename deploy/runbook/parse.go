// Package runbook runs the commands of a runbook, as they stand in its Markdown:
// what an operator copies at night has been run by a test.
//
// A runbook is a Markdown file. Its blocks of commands are fenced as sh; each is
// run by bash, in the order of the text, and must end with exit code 0. What is
// shown and not run is fenced as something else (text, json). Between blocks stand
// comments that readers of the page do not see:
//
//	<!-- test: NAME ARGS -->       calls the hook NAME with the text ARGS: what the
//	                               runbook says in words, or what must have come of it
//	<!-- test: exit N -->          the next block must end with exit code N
//	<!-- test: expect PATTERN -->  what the last block printed matches the expression
//	<!-- test: refuse PATTERN -->  it does not
package runbook

import (
	"fmt"
	"strings"
)

// Step is one thing that a runbook does.
type Step struct {
	Line  int    // of the file, from 1
	Block string // commands; empty: a hook
	Hook  string
	Args  string // of the hook
}

const (
	fence       = "```"
	hookOpens   = "<!-- test:"
	hookCloses  = "-->"
	indentation = "    "
)

// Parse finds the steps of a runbook. Commands that no test would run are an
// error: a fence without a language, one that never ends, a block by indentation.
func Parse(markdown string) (steps []Step, err error) {
	var block *Step
	language, list := "", false // of the fence that is open; whether a list goes on
	for i, line := range strings.Split(markdown, "\n") {
		text := strings.TrimSpace(line)
		switch {
		case language != "" && text == fence:
			if block != nil {
				steps = append(steps, *block)
			}
			block, language = nil, ""
		case language != "":
			if block != nil {
				block.Block += line + "\n"
			}
		case strings.HasPrefix(text, fence):
			if language = strings.TrimPrefix(text, fence); language == "" {
				return nil, fmt.Errorf("line %d: a fence without a language", i+1)
			}
			if language == "sh" {
				block = &Step{Line: i + 1}
			}
		case strings.HasPrefix(text, hookOpens):
			step, err := hook(text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			step.Line = i + 1
			steps = append(steps, step)
		case strings.HasPrefix(line, indentation) && text != "" && !list:
			return nil, fmt.Errorf("line %d: a block by indentation: fence it", i+1)
		case text != "":
			list = listed(text) || list && strings.HasPrefix(line, " ")
		}
	}
	if language != "" {
		return nil, fmt.Errorf("a fence of %s does not end", language)
	}
	return steps, nil
}

// listed reports whether a line begins an item of a list, whose next lines are
// indented, too.
func listed(text string) bool {
	mark, rest, _ := strings.Cut(text, " ")
	return rest != "" && (mark == "-" || strings.HasSuffix(mark, ".") && strings.Trim(mark, "0123456789.") == "")
}

func hook(text string) (Step, error) {
	inner, closed := strings.CutSuffix(strings.TrimPrefix(text, hookOpens), hookCloses)
	name, args, _ := strings.Cut(strings.TrimSpace(inner), " ")
	if !closed || name == "" {
		return Step{}, fmt.Errorf("%q is no hook of one line", text)
	}
	return Step{Hook: name, Args: strings.TrimSpace(args)}, nil
}
