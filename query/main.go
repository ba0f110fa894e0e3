// Command query answers reads and searches, and passes writes on to ingest.
package main

import (
	"context"
	"io"
	"os"

	"chatlog/query/queryd"
	"chatlog/shared/lifecycle"
	"chatlog/shared/program"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
)

// query is the program.
func query() program.Program[queryd.Config] {
	return program.Program[queryd.Config]{
		Name: "query", Does: "answers reads and searches, and passes writes on to ingest.", Default: queryd.Default,
		Commands: []program.Command[queryd.Config]{{
			Serves: true,
			Do:     serve,
			Help: program.Help{
				Does: "answers reads and searches, and passes writes on to ingest\n\n" +
					"It reads MySQL and Elasticsearch, and waits until they have what a reader must see. Any number\n" +
					"of them may run. The calls: /openapi.yaml at query.listen, and /healthz, /readyz and /metrics\n" +
					"beside them.",
				Examples: []program.Line{
					{Word: "query", Means: "with ./config.yaml, if it is there"},
					{Word: "query --check-config", Means: "print every error in the configuration, and exit"},
					{Word: "CHATLOG_QUERY_LISTEN=127.0.0.1:3011 query", Means: "a second one on the same machine"},
				},
				Variable: program.Line{Word: "CHATLOG_QUERY_LISTEN", Means: "query.listen"},
			},
		}},
	}
}

func main() { os.Exit(query().Main(os.Args[1:])) }

func serve(ctx context.Context, cfg queryd.Config, _, errOut io.Writer) error {
	rows, err := mysql.Open(cfg.MySQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	index, err := elastic.Open(cfg.Elasticsearch, cfg.Topics.Commands.Partitions)
	if err != nil {
		return err
	}
	defer index.Close()
	service, err := queryd.New(cfg, queryd.Parts{Log: telemetry.NewLogger(cfg.Log, errOut), Metrics: telemetry.NewRegistry(), Rows: rows, Index: index})
	if err != nil {
		return err
	}
	return lifecycle.Run(ctx, service)
}
