package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
)

// machine says what was measured on, and with.
func (b *bench) machine(ctx context.Context) (string, error) {
	if b.embedded {
		return fmt.Sprintf("%d cores (%s), %s; embedded parts", runtime.NumCPU(), processor(), runtime.Version()), nil
	}
	mysql, err1 := b.mysqlVersion(ctx)
	search, err2 := b.searchVersion(ctx)
	cache, err3 := b.redisVersion(ctx)
	kafka := ""
	err4 := b.parts.Admin(func(admin *kadm.Client) error {
		all, err := admin.ApiVersions(ctx)
		if err != nil {
			return err
		}
		for _, broker := range all.Sorted() {
			kafka = broker.VersionGuess()
		}
		return nil
	})
	return fmt.Sprintf("%d cores (%s), %s; Kafka %s, MySQL %s, Elasticsearch %s, Redis %s", runtime.NumCPU(), processor(), runtime.Version(),
		kafka, mysql, search, cache), errors.Join(err1, err2, err3, err4)
}

// processor is the model that /proc/cpuinfo names.
func processor() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	_, after, _ := strings.Cut(string(content), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, "\t :")
}

func (b *bench) mysqlVersion(ctx context.Context) (version string, err error) {
	db, err := sql.Open("mysql", b.parts.DSN(b.parts.Database))
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return version, err
}

func (b *bench) searchVersion(ctx context.Context) (string, error) {
	var about struct {
		Nodes map[string]struct{ Version string }
	}
	err := b.parts.AskElasticsearch(ctx, http.MethodGet, "/_nodes?filter_path=nodes.*.version", nil, &about)
	for _, node := range about.Nodes {
		return node.Version, err
	}
	return "", errors.Join(err, errors.New("elasticsearch has no nodes"))
}

func (b *bench) redisVersion(ctx context.Context) (string, error) {
	client := redis.NewClient(&redis.Options{Addr: b.parts.Redis})
	defer client.Close()
	info, err := client.InfoMap(ctx, "server").Result()
	return info["Server"]["redis_version"], err
}
