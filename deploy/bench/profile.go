package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"chatlog/deploy/system"
)

// profiled gives a program an address for its profiles, when they are wanted.
func (b *bench) profiled(p *system.Program) error {
	if b.profiles == "" {
		return nil
	}
	at, err := system.FreeAddress()
	if err != nil {
		return err
	}
	b.profileAt[p.Name] = at
	p.Env = append(slices.Clone(p.Env), "CHATLOG_PROFILE_LISTEN="+at)
	return nil
}

var notForFiles = regexp.MustCompile(`[^a-z0-9]+`)

// profile runs a row's own side once more, while the programs that the row tells
// the time of are profiled: what it costs to be looked at is in no figure.
func (b *bench) profile(ctx context.Context, row Row, ours side) error {
	if b.profiles == "" || len(row.Ours) == 0 {
		return nil
	}
	stop := make(chan struct{})
	taken := make(chan error, 1)
	go func() { taken <- b.take(ctx, row, stop) }()
	_, err := ours(ctx, b.round)
	close(stop)
	if taking := <-taken; err == nil {
		err = taking
	}
	return err
}

// take waits for a program of the row to be there, and profiles it.
func (b *bench) take(ctx context.Context, row Row, stop <-chan struct{}) error {
	name := strings.Trim(notForFiles.ReplaceAllString(strings.ToLower(row.Name), "-"), "-")
	for _, program := range []string{"ingest", "query", "sink", "local"} {
		if _, there := row.Ours[0].CPU[program]; !there {
			continue
		}
		for ctx.Err() == nil {
			time.Sleep(b.round / 10) // a program that has just been started is no measure
			content, err := profileOf(ctx, b.profileAt[program], max(time.Second, b.round/2))
			if err == nil {
				return os.WriteFile(filepath.Join(b.profiles, name+"."+program+".pprof"), content, 0o644)
			}
			select {
			case <-stop:
				return fmt.Errorf("profile of %s: %w", program, err)
			default:
			}
		}
	}
	return ctx.Err()
}

func profileOf(ctx context.Context, at string, d time.Duration) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", at, d.Seconds()), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", response.StatusCode, content)
	}
	return content, err
}
