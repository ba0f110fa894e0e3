// Command ingest takes writes over HTTP and appends them, numbered, to the log.
package main

import (
	"context"
	"io"
	"os"

	"chatlog/ingest/ingestd"
	"chatlog/shared/lifecycle"
	"chatlog/shared/program"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
)

// ingest is the program.
func ingest() program.Program[ingestd.Config] {
	return program.Program[ingestd.Config]{
		Name: "ingest", Does: "takes writes over HTTP and appends them, numbered, to the log in Kafka.", Default: ingestd.Default,
		Commands: []program.Command[ingestd.Config]{{
			Serves: true,
			Do:     serve,
			Help: program.Help{
				Does: "takes writes over HTTP and appends them, numbered, to the log in Kafka\n\n" +
					"Any number of them share the partitions by leases in Redis, and bring a write to the one that\n" +
					"holds its partition. The calls: /openapi.yaml at ingest.listen, and /healthz, /readyz and\n" +
					"/metrics beside them.",
				Examples: []program.Line{
					{Word: "ingest", Means: "with ./config.yaml, if it is there"},
					{Word: "ingest --check-config", Means: "print every error in the configuration, and exit"},
					{Word: "CHATLOG_INGEST_LISTEN=127.0.0.1:8010 ingest", Means: "a second one on the same machine"},
				},
				Variable: variable,
			},
		}, moveCommand()},
	}
}

// variable is the example of a variable that all commands give.
var variable = program.Line{Word: "CHATLOG_INGEST_LISTEN", Means: "ingest.listen"}

func main() { os.Exit(ingest().Main(os.Args[1:])) }

func serve(ctx context.Context, cfg ingestd.Config, _, errOut io.Writer) error {
	rows, err := mysql.Open(cfg.MySQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	service, err := ingestd.New(cfg, ingestd.Parts{Log: telemetry.NewLogger(cfg.Log, errOut), Metrics: telemetry.NewRegistry(), Rows: rows})
	if err != nil {
		return err
	}
	return lifecycle.Run(ctx, service)
}
