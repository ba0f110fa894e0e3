package client

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Metric reads one metric of the service, summed over its labels; 0 when there
// is none of that name.
func (c *Client) Metric(ctx context.Context, name string) (sum float64, err error) {
	reply, err := c.Do(ctx, "GET", "/metrics", "", Headers{"Accept-Encoding", "identity"}) // compressing it is work
	if err != nil {
		return 0, err
	}
	if reply.Status != http.StatusOK {
		return 0, fmt.Errorf("/metrics answers %d", reply.Status)
	}
	for line := range strings.Lines(reply.Body) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if bare, _, _ := strings.Cut(series, "{"); bare == name {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", line, err)
			}
			sum += v
		}
	}
	return sum, nil
}
