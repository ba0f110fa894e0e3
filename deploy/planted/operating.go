package main

// inOperating is about what operators rely on: runbooks that were run, and a Redis
// that changes its master.
var inOperating = []bug{
	{"a runbook goes on after a command that failed", "deploy/runbook/play.go",
		"set -euo pipefail", "set -u", []string{"./deploy/runbook"}},
	{"commands that no test runs pass for run", "deploy/runbook/parse.go",
		"case strings.HasPrefix(line, indentation) && text != \"\" && !list:", "case false:", []string{"./deploy/runbook"}},
	{"the master is asked without its password", "shared/redisconn/sentinel.go",
		"Password: o.Password, ", "", []string{"./shared/redisconn", "-run", "TestRealSentinel"}},
}
