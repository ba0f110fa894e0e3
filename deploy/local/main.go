// Command local is all of chatlog in one process with embedded parts, for a
// laptop: nothing to install, nothing to configure, everything on the disk.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"chatlog/shared/lifecycle"
	"chatlog/shared/profile"
	"chatlog/shared/program"
	"chatlog/shared/telemetry"
)

// local is the table of what the program does.
func local() program.Program[Config] {
	variable := program.Line{Word: "CHATLOG_LOCAL_DATA_DIR", Means: "local.data_dir"}
	return program.Program[Config]{
		Name: "local", Does: "is all of chatlog in one process with embedded parts, in one folder.", Default: Default,
		Commands: []program.Command[Config]{{
			Serves: true,
			Do:     serve,
			Help: program.Help{
				Does: "runs all of chatlog in one process with embedded parts\n\n" +
					"A Kafka broker, SQLite, a search index and a Redis, all in one folder, which outlives kill -9.\n" +
					"Writes are taken at ingest.listen, reads and writes at query.listen.",
				Examples: []program.Line{
					{Word: "local", Means: "with ./config.yaml, if it is there, and the data in ./data"},
					{Word: "CHATLOG_LOCAL_DATA_DIR=/srv/chatlog local", Means: "with the data in another folder"},
				},
				Variable: variable,
			},
		}, verifyCommand(variable), lettersCommand(variable)},
	}
}

func main() { os.Exit(local().Main(os.Args[1:])) }

func serve(ctx context.Context, cfg Config, out, errOut io.Writer) (err error) {
	logger := telemetry.NewLogger(cfg.Log, errOut)
	parts, err := openParts(cfg.Local, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	house, err := compose(cfg, parts, logger)
	if err != nil {
		return err
	}
	banner := lifecycle.Func{Title: "banner", OnStart: func(context.Context) error {
		return welcome(out, house.ingest.URL(), house.query.URL(), parts.kafka.ListenAddrs()[0], cfg.Local.DataDir)
	}}
	return lifecycle.Run(ctx, lifecycle.NewGroup("local", profile.New(cfg.Profile), house.ingest, house.sinks, house.query, banner))
}

func welcome(out io.Writer, ingest, query, kafka, dir string) error {
	_, err := fmt.Fprintf(out, `chatlog is up: writes on %[1]s, reads (and writes) on %[2]s, data in %[4]s,
Kafka (for imports, deploy/kafka/imports.md) on %[3]s

Try it:
  curl -s %[2]s/application -H 'Content-Type: application/json' -d '{"username":"Shetewi"}'
  curl -s -X POST %[2]s/application/TOKEN/chat
  curl -s %[2]s/application/TOKEN/chat/1/message -H 'Content-Type: application/json' -d '{"message":"Hello"}'
(TOKEN is the Application of the first reply. Ctrl-C stops.)
`, ingest, query, kafka, dir)
	return err
}
